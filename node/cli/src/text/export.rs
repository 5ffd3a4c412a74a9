//! Words about what leaves the reporting line.

use std::path::Path;

use hopluu_api::text::Both;
use hopluu_engine::view::PublicKind;
use hopluu_form::Lang;

use super::word;
use crate::failure::{Exit, Failure};

/// Where a figure is held back.
pub(crate) const HELD_BACK: &str = "x";
/// Where several stand side by side.
pub(crate) const UNSETTLED: &str = "?";

/// What the table was made of goes into a file beside it, which cannot be the table's.
pub(crate) fn is_json(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} phải là tệp CSV: tệp .json cùng tên để ghi bảng này lấy từ đâu"),
        format!(
            "{path} has to be a CSV file: the .json of that name says what the table was made of"
        ),
    );
    let hint = Both::new("chọn tên đuôi .csv", "choose a name that ends in .csv");
    Failure::new(Exit::Usage, "M-2054", message, Some(hint))
}

pub(crate) fn heads(lang: Lang) -> [&'static str; 5] {
    match lang {
        Lang::Vi => ["mã", "đơn vị", "hàng", "tình trạng", "báo cáo"],
        Lang::En => ["code", "unit", "row", "state", "reports"],
    }
}

pub(crate) fn kind(lang: Lang, kind: PublicKind) -> &'static str {
    match kind {
        PublicKind::Total => word(lang, "tổng số", "total"),
        PublicKind::Own => word(lang, "phần của đơn vị", "own part"),
        PublicKind::Below => word(lang, "cấp dưới", "below"),
    }
}

pub(crate) fn state(lang: Lang, reported: u32, expected: u32) -> &'static str {
    match reported {
        0 => word(lang, "chưa báo cáo", "not reported"),
        all if all == expected => word(lang, "đủ", "complete"),
        _ => word(lang, "chưa đủ", "incomplete"),
    }
}

pub(crate) fn held_back() -> Both {
    Both::new(
        "có số, không công bố",
        "there is a figure, and it is held back",
    )
}

pub(crate) fn unsettled() -> Both {
    Both::new(
        "có nhiều số, chưa ai chốt",
        "several figures, settled by nobody yet",
    )
}

pub(crate) fn nothing() -> Both {
    Both::new(
        "chưa có số, không phải là 0",
        "no figure yet, which is not 0",
    )
}

/// Why cells are held back. Which for which reason would tell which are small.
pub(crate) fn why(threshold: u32) -> Both {
    Both::new(
        format!(
            "số người dưới {threshold} ở chỉ tiêu riêng tư, và những số mà từ đó tính ra được chúng; không nói ô nào vì lẽ nào"
        ),
        format!(
            "counts of people below {threshold} in private lines, and figures from which these could be computed; which is \
             which is not told"
        ),
    )
}

pub(crate) fn published(file: &str, held_back: u64) -> Both {
    Both::new(
        format!("đã ghi {file}; {held_back} ô không công bố"),
        format!("{file} is written; {held_back} cells are held back"),
    )
}

pub(crate) fn nothing_published() -> Both {
    Both::new("chưa công bố gì", "nothing was published")
}

pub(crate) fn supported(file: &str) -> Both {
    Both::new(
        format!("đã ghi {file}; hãy đọc lại trước khi gửi"),
        format!("{file} is written; read it before you send it"),
    )
}
