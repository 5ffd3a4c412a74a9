//! Words about attachments.

use std::path::Path;

use hopluu_api::text::Both;
use hopluu_api::text::attachment::megabytes;
use hopluu_engine::view::AttachmentView;
use hopluu_form::Lang;

use super::word;
use crate::failure::{Exit, Failure};

/// In a history: a file came.
pub(crate) fn attached(lang: Lang) -> &'static str {
    word(lang, "đính kèm", "attached")
}

/// In a history: a file went.
pub(crate) fn detached(lang: Lang) -> &'static str {
    word(lang, "gỡ tệp đính kèm", "detached")
}

pub(crate) fn name(lang: Lang) -> &'static str {
    word(lang, "tệp đính kèm", "attachment")
}

pub(crate) fn size(lang: Lang) -> &'static str {
    word(lang, "dung lượng", "size")
}

pub(crate) fn caption(lang: Lang) -> &'static str {
    word(lang, "chú thích", "caption")
}

/// A report without any.
pub(crate) fn none() -> Both {
    Both::new(
        "báo cáo không có tệp đính kèm",
        "the report has no attachments",
    )
}

/// Where a file has got to.
pub(crate) fn reached(one: &AttachmentView, lang: Lang) -> String {
    let here = match one.held {
        0 => word(lang, "chưa về đây", "not here yet").to_owned(),
        held if held == one.bytes => word(lang, "ở đây", "here").to_owned(),
        held => {
            let percent = held.saturating_mul(100) / one.bytes.max(1);
            match lang {
                Lang::Vi => format!("mới về {percent}%"),
                Lang::En => format!("{percent} % here"),
            }
        }
    };
    let others = one.holders.iter().map(|unit| unit.name.clone());
    std::iter::once(here)
        .chain(others)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A file was saved.
pub(crate) fn saved(path: &Path, bytes: u64) -> Both {
    let (path, bytes) = (path.display(), megabytes(bytes));
    Both::new(
        format!("đã lưu {path}, {bytes}"),
        format!("saved {path}, {bytes}"),
    )
}

/// Longer than an attachment may be.
pub(crate) fn too_large(path: &Path, most: u64) -> Failure {
    let (path, most) = (path.display(), megabytes(most));
    let message = Both::new(
        format!("{path} dài hơn {most}, không đính kèm được"),
        format!("{path} is longer than {most} and cannot be attached"),
    );
    let hint = Both::new(
        "quét ở 200 dpi, thang xám, hoặc chia thành nhiều tệp",
        "scan at 200 dpi in grey, or split it over several files",
    );
    Failure::new(Exit::Usage, "M-2040", message, Some(hint))
}

/// A file that the node takes for none to be attached; it is asked with the bytes, and knows no path.
pub(crate) fn refused(path: &Path, failure: Failure) -> Failure {
    let Some(problem) = failure.problem().filter(|of| of.code == "M-1213") else {
        return failure;
    };
    let (path, message) = (path.display(), &problem.message);
    let message = Both::new(
        format!("{path}: {}", message.vi),
        format!("{path}: {}", message.en),
    );
    Failure::new(failure.exit(), "M-1213", message, problem.hint.clone())
}

/// There is a file where one was to be saved.
pub(crate) fn exists(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} đã có rồi, không ghi đè"),
        format!("{path} is there already and is not written over"),
    );
    let hint = Both::new(
        "chọn tên khác bằng --output, hoặc thêm --force để ghi đè",
        "choose another name with --output, or add --force to write over it",
    );
    Failure::new(Exit::Usage, "M-2041", message, Some(hint))
}

/// The file changed under the reader's hands.
pub(crate) fn torn(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("tệp chưa lưu được vào {path}: máy không đọc hết tệp"),
        format!("nothing was saved to {path}: the node did not read all of the file"),
    );
    let hint = Both::new(
        "kiểm tra bằng `hopluu doctor`",
        "have it looked at with `hopluu doctor`",
    );
    Failure::new(Exit::Failed, "M-2042", message, Some(hint))
}
