//! Words about what is carried by hand.

use std::path::Path;

use hopluu_api::text::Both;
use hopluu_engine::view::{BundleFile, BundleRemark, BundleTaken, BundleView};
use hopluu_form::Lang;

use super::word;
use crate::failure::{Exit, Failure};
use crate::show;

/// From whom, for whom, and which part of what.
pub(crate) fn address(bundle: &BundleView, lang: Lang) -> String {
    let made = show::time(bundle.made, lang);
    let (from, to) = (&bundle.from, &bundle.to);
    let place = |place: &hopluu_engine::view::BundlePlace| match &place.office {
        None => place.unit.to_string(),
        Some(office) => format!("{}/{office}", place.unit),
    };
    let (from, to) = (place(from), place(to));
    let (part, parts, bytes) = (bundle.part, bundle.parts, bundle.bytes);
    match lang {
        Lang::Vi => format!("từ {from} gửi {to}, phần {part}/{parts}, lập {made}, {bytes} byte"),
        Lang::En => {
            format!("from {from} to {to}, part {part} of {parts}, made {made}, {bytes} bytes")
        }
    }
}

/// Whether anybody but the receiver can tell who made it.
pub(crate) fn certified(is_certified: bool) -> Both {
    if is_certified {
        Both::new(
            "chữ ký đúng, kèm chứng thư",
            "the signature holds, its certificate is with it",
        )
    } else {
        Both::new(
            "chữ ký đúng, không kèm chứng thư: chỉ nơi nhận biết chắc của ai",
            "the signature holds, no certificate is with it: only the receiver can tell whose it is",
        )
    }
}

/// Above the codes on paper.
pub(crate) fn paper_title(report: &str, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("Hợp Lưu: số liệu báo cáo {report}, chuyển bằng giấy"),
        Lang::En => format!("Hợp Lưu: figures of report {report}, carried on paper"),
    }
}

/// What to do with the paper.
pub(crate) fn paper_how(lang: Lang) -> &'static str {
    word(
        lang,
        "Chỉ nơi nhận mở được. Ở nơi nhận: chụp từng mã, thẳng và đủ sáng, rồi chạy `hopluu bundle \
         import` với các ảnh, theo thứ tự nào cũng được.",
        "Only the receiver can open it. There: take a photo of each code, straight and in good light, and \
         run `hopluu bundle import` with the photos, in any order.",
    )
}

/// A file that was written.
pub(crate) fn written(file: &str, entries: u64, pieces: u64) -> Both {
    if pieces > 0 {
        return Both::new(
            format!("đã ghi {file}: {pieces} mảnh của tệp đính kèm"),
            format!("{file} written: {pieces} pieces of attachments"),
        );
    }
    Both::new(
        format!("đã ghi {file}: {entries} mục"),
        format!("{file} written: {entries} entries"),
    )
}

/// How much of an attachment is here after a part with it.
pub(crate) fn file(file: &BundleFile, lang: Lang) -> String {
    let hash = file.hash.get(..12).unwrap_or(&file.hash);
    let (held, bytes) = (file.held, file.bytes);
    match lang {
        Lang::Vi => format!("tệp đính kèm {hash}: có {held}/{bytes} byte"),
        Lang::En => format!("attachment {hash}: {held} of {bytes} bytes are here"),
    }
}

/// What to do with what was written.
pub(crate) fn carry() -> Both {
    Both::new(
        "chép nguyên tệp đến nơi nhận rồi chạy ở đó: hopluu bundle import TỆP",
        "carry the files as they are, and there: hopluu bundle import FILE",
    )
}

/// What came of one.
pub(crate) fn taken(taken: &BundleTaken, lang: Lang) -> String {
    let (new, known) = (taken.new, taken.known);
    let (waiting, refused) = (taken.waiting, taken.refused);
    match lang {
        Lang::Vi => {
            format!("mới {new}, đã có {known}, chờ phần thiếu {waiting}, từ chối {refused}")
        }
        Lang::En => format!("new {new}, known {known}, waiting {waiting}, refused {refused}"),
    }
}

/// What should be looked at.
pub(crate) fn remark(remark: BundleRemark, lang: Lang) -> &'static str {
    match remark {
        BundleRemark::PartMissing => word(
            lang,
            "đã nhận, nhưng chưa nối được vào phần trước nó: nhận mọi phần trong một lệnh, hoặc nhận lại gói \
             này sau phần đó",
            "it is in, but not joined to the part before it: take in all parts in one call, or this one again \
             after that one",
        ),
        BundleRemark::NoRoom => word(
            lang,
            "không đủ chỗ giữ những mục phải chờ: nhận các phần trước rồi nhận lại gói này",
            "no room for what has to wait: take in the parts before it, then this one again",
        ),
        BundleRemark::PeerRestored => word(
            lang,
            "nơi lập đã khôi phục từ bản sao lưu: khi có mạng hai máy sẽ so lại",
            "its maker was restored from a backup: the two will compare once there is a link",
        ),
        BundleRemark::WeRestored => word(
            lang,
            "máy này đã khôi phục từ bản sao lưu từ khi nơi lập nghe nó lần cuối",
            "this node was restored since its maker heard it last",
        ),
        BundleRemark::WeRolledBack => word(
            lang,
            "nơi lập có nhiều hơn máy này: khi có mạng hai máy sẽ so lại",
            "its maker has more of this node than there is: the two will compare once there is a link",
        ),
        BundleRemark::FileUnnamed => word(
            lang,
            "chưa có báo cáo nào ghi tệp đính kèm này: nhận phần có báo cáo rồi nhận lại gói này",
            "no report here names an attachment in it: take in the part with the report, then this one again",
        ),
        BundleRemark::FileNoRoom => word(
            lang,
            "không đủ chỗ giữ tệp đính kèm",
            "there is no room for an attachment",
        ),
    }
}

/// A file stands where a bundle would be written, and is none.
pub(crate) fn not_ours(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} đã có và không phải gói dữ liệu: không ghi đè"),
        format!("{path} is there and is no bundle: it is not written over"),
    );
    let hint = Both::new("chọn tên khác bằng --out", "choose another name with --out");
    Failure::new(Exit::Usage, "M-2021", message, Some(hint))
}

/// More than two codes hold.
pub(crate) fn no_room_on_paper() -> Failure {
    let message = Both::new(
        "số liệu và ghi chú của báo cáo này không vừa hai mã in",
        "the figures and notes of this report do not fit into two codes",
    );
    let hint = Both::new("chép ra tệp: bỏ --qr", "carry it as a file: leave out --qr");
    Failure::new(Exit::Usage, "M-2024", message, Some(hint))
}

/// What to do with the page.
pub(crate) fn print(page: &str) -> Both {
    Both::new(
        format!("in trang {page} rồi chuyển giấy đi"),
        format!("print {page}, and carry the paper"),
    )
}

/// A picture without a code that can be read.
pub(crate) fn no_code(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("không đọc được mã nào trong ảnh {path}"),
        format!("no code can be read in the picture {path}"),
    );
    let hint = Both::new(
        "chụp lại: đủ sáng, thẳng, cả mã nằm trong ảnh, mỗi ảnh một mã",
        "take it again: in good light, straight, with the whole code in it, one code a picture",
    );
    Failure::new(Exit::Usage, "M-2022", message, Some(hint))
}

/// A picture with more points than its file can mean, or than there is memory for.
pub(crate) fn large_picture(path: &Path, (width, height): (u32, u32), most: u64) -> Failure {
    let (path, most) = (path.display(), most / 1_000_000);
    let message = Both::new(
        format!(
            "ảnh {path} có {width} x {height} điểm, quá nhiều so với cỡ tệp: chỉ mở đến {most} triệu điểm"
        ),
        format!(
            "the picture {path} has {width} x {height} points, too many for a file of its size: at most \
             {most} million are opened"
        ),
    );
    let hint = Both::new(
        "chụp lại bằng điện thoại, hoặc thu nhỏ ảnh rồi đọc lại",
        "take it again with a telephone, or make it smaller and read it again",
    );
    Failure::new(Exit::Usage, "M-2023", message, Some(hint))
}

/// A picture that cannot be read at all.
pub(crate) fn no_picture(path: &Path, why: &str) -> Failure {
    let path = path.display();
    let why_vi = hopluu_api::text::technical(why);
    let message = Both::new(
        format!("không mở được ảnh {path} {why_vi}"),
        format!("the picture {path} cannot be opened: {why}"),
    );
    Failure::new(Exit::Usage, "M-2023", message, None)
}
