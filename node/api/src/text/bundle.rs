//! Bundles that are not made or not taken in.

use hopluu_engine::{BundleError, EnvelopeError};

use super::{Both, technical};

/// What went wrong, in Vietnamese; in English the errors say it themselves.
pub(super) fn message_vi(error: &BundleError) -> String {
    match error {
        BundleError::Envelope(error) => envelope_vi(error),
        BundleError::Stranger(from) => format!(
            "gói này do máy {} của {} lập, máy đó không thuộc mạng này",
            from.node.short(),
            from.unit
        ),
        BundleError::Expired(from) => format!(
            "gói này do máy {} của {} lập, chứng thư của máy đó hoặc của cấp trên nó đã hết hạn",
            from.node.short(),
            from.unit
        ),
        BundleError::Content(detail) => {
            format!("không đọc được nội dung trong gói {}", technical(detail))
        }
        BundleError::NobodyThere { unit, office: None } => {
            format!("ở đây chưa biết máy nào của đơn vị {unit}")
        }
        BundleError::NobodyThere {
            unit,
            office: Some(office),
        } => format!("ở đây chưa biết máy nào của ngành {office}, đơn vị {unit}"),
        BundleError::NobodyInLine => "ở đây chưa biết máy nào khác trên tuyến báo cáo".to_owned(),
        BundleError::PartTooSmall { given, least } => {
            format!("mỗi phần {given} byte là quá nhỏ, cần ít nhất {least} byte")
        }
        BundleError::Unsettled { code } => format!("`{code}` còn số liệu trái nhau"),
        BundleError::TooManyParts { parts, most } => {
            format!("cần {parts} phần, chỉ được tối đa {most} phần")
        }
    }
}

fn envelope_vi(error: &EnvelopeError) -> String {
    match error {
        EnvelopeError::OtherFile => "đây không phải gói dữ liệu của Hợp Lưu".to_owned(),
        EnvelopeError::TooLarge { bytes, bytes_max } => {
            format!("gói dài {bytes} byte, tối đa {bytes_max} byte")
        }
        EnvelopeError::CutShort => "gói bị cụt: chép chưa hết".to_owned(),
        EnvelopeError::Address(error) => {
            format!("không đọc được bìa gói {}", technical(&error.to_string()))
        }
        EnvelopeError::Signature(_) => {
            "gói đã bị sửa hoặc hỏng trên đường, hay không phải của nơi ghi trên bìa".to_owned()
        }
        EnvelopeError::ForAnother(to) => {
            format!("gói này gửi cho máy {} của {}", to.node.short(), to.unit)
        }
        EnvelopeError::Closed => "gói ghi là gửi cho máy này nhưng khóa không mở được".to_owned(),
    }
}

/// What to do about it.
pub(super) fn hint(error: &BundleError) -> Option<Both> {
    Some(match error {
        BundleError::Envelope(EnvelopeError::ForAnother(_)) => Both::new(
            "không giữ lại gì ở đây; muốn chuyển tiếp thì chép nguyên tệp này đi",
            "nothing of it is kept here; to pass it on, copy the file",
        ),
        BundleError::Envelope(_) | BundleError::Content(_) => Both::new(
            "chép lại từ nơi gửi, hoặc nhờ nơi gửi lập gói mới",
            "copy it again from where it was made, or ask for a new one",
        ),
        BundleError::Stranger(_) => Both::new(
            "chỉ nhận gói của các máy đã vào mạng bằng mã mời; nếu là máy mới, hãy nhận gói của cấp trên trước",
            "only nodes that joined by a ticket are heard; of a new one, take in the superior's bundle first",
        ),
        BundleError::Expired(_) => Both::new(
            "máy đó cần chứng thư mới; nếu ngày tháng ở đây sai, xem `hopluu clock show`",
            "it needs a new certificate; if the time is wrong here, look at `hopluu clock show`",
        ),
        BundleError::NobodyThere { .. } | BundleError::NobodyInLine => Both::new(
            "máy nhận phải vào mạng trước (`hopluu invite`, `hopluu join`), và chứng thư của nó phải tới đây",
            "it must have joined (`hopluu invite`, `hopluu join`), and its certificate must have come here",
        ),
        BundleError::PartTooSmall { .. } => {
            Both::new("đổi --size-max", "choose another --size-max")
        }
        BundleError::Unsettled { .. } => Both::new(
            "chốt bằng `hopluu report settle` rồi in lại, hoặc chép ra tệp: bỏ --qr",
            "settle it with `hopluu report settle` and print again, or carry a file: leave out --qr",
        ),
        BundleError::TooManyParts { .. } => Both::new(
            "chép ra tệp thay vì in mã: bỏ --qr",
            "carry it as a file instead: leave out --qr",
        ),
    })
}
