//! Words about a root's key on paper.

use hopluu_api::text::Both;
use hopluu_engine::{RootError, RootShare, ShareError};
use hopluu_form::Lang;
use hopluu_model::ErrorChain;

use super::fail::exit_of;
use crate::failure::Failure;

/// What a page is.
pub(crate) fn title(share: &RootShare, lang: Lang) -> String {
    let (number, of, unit) = (share.number, share.of, &share.unit);
    match lang {
        Lang::Vi => format!("Hợp Lưu: phần {number}/{of} của khóa gốc, đơn vị {unit}"),
        Lang::En => format!("Hợp Lưu: share {number} of {of} of the root's key, unit {unit}"),
    }
}

/// What to do with it.
pub(crate) fn how(share: &RootShare, lang: Lang) -> String {
    let (needed, root) = (share.needed, share.root.short());
    match lang {
        Lang::Vi => format!(
            "Giữ kín, mỗi phần một người, một nơi. {needed} phần bất kỳ tạo lại được máy gốc {root}: \
             `hopluu root restore` với ảnh chụp các mã hoặc tệp chứa dòng chữ dưới mã. Ít hơn thì không \
             ai biết gì về khóa."
        ),
        Lang::En => format!(
            "Keep it secret, each share with another person at another place. Any {needed} make the root \
             {root} again: `hopluu root restore` with photos of the codes, or files with the text below. \
             Fewer tell nothing of the key."
        ),
    }
}

/// What remains to be done.
pub(crate) fn written(needed: u8) -> Both {
    Both::new(
        format!(
            "in từng trang, trao mỗi trang cho một người, rồi xóa các tệp này: ai có {needed} phần là có cả mạng"
        ),
        format!(
            "print each page, give each to another person, then delete these files: who has {needed} shares has the mesh"
        ),
    )
}

/// Why a key was not split or not made again.
pub(crate) fn failure(error: &RootError) -> Failure {
    let en = ErrorChain(error).to_string();
    let (code, vi, hint) = match error {
        RootError::NotRoot => (
            "M-2221",
            "máy này không phải gốc: cấp trên mời một máy khác vào thay nó".to_owned(),
            Both::new(
                "dùng `hopluu invite` ở cấp trên",
                "use `hopluu invite` at the superior",
            ),
        ),
        RootError::Counts { needed, of } => (
            "M-2222",
            format!("không chia được thành {of} phần với {needed} phần đủ tạo lại"),
            Both::new(
                "từ 2 đến 16 phần; --needed ít nhất 2 và không quá --shares",
                "2 to 16 shares; --needed at least 2 and at most --shares",
            ),
        ),
        RootError::Share { place, source } => (
            "M-2223",
            match source {
                ShareError::NotAShare => {
                    format!("thứ được đưa ở chỗ {place} không phải phần của khóa gốc")
                }
                ShareError::Damaged { number } => {
                    format!("phần {number} bị hỏng, thiếu ký tự hoặc đã bị sửa")
                }
            },
            Both::new(
                "đọc lại phần đó từ giấy, hoặc dùng phần khác",
                "read that share again from the paper, or use another one",
            ),
        ),
        RootError::OtherRoot { number, theirs } => (
            "M-2224",
            format!("phần {number} thuộc khóa gốc khác, {}", theirs.short()),
            other_hint(),
        ),
        RootError::OtherBackup { number } => (
            "M-2225",
            format!("phần {number} thuộc lần sao lưu khác của khóa gốc này so với phần đầu tiên"),
            other_hint(),
        ),
        RootError::TooFew { have, needed } => (
            "M-2226",
            format!("cần {needed} phần khác nhau, mới có {have}"),
            Both::new("đưa thêm phần", "bring more shares"),
        ),
        RootError::OtherKey | RootError::Setup(_) => (
            "M-2227",
            "các phần này không tạo ra khóa mà chúng ghi".to_owned(),
            other_hint(),
        ),
    };
    let message = Both::new(vi, en);
    Failure::new(exit_of(error.fault()), code, message, Some(hint))
}

fn other_hint() -> Both {
    Both::new(
        "chỉ đưa các phần in cùng một lần",
        "give only shares that were printed together",
    )
}
