//! Words of links: what travels, how much, how long.

use hopluu_engine::view::{Class, Purpose, UpstreamState};
use hopluu_engine::{LinkFlaw, WindowError};
use hopluu_form::Lang;

use super::word;

/// A class of what is owed.
pub(crate) fn class(lang: Lang, class: Class) -> &'static str {
    match class {
        Class::Urgent => word(lang, "việc gấp", "urgent"),
        Class::Figures => word(lang, "số liệu", "figures"),
        Class::Receipts => word(lang, "biên nhận", "receipts"),
        Class::Texts => word(lang, "lời văn", "texts"),
        Class::Attachments => word(lang, "tệp đính kèm", "attachments"),
    }
}

/// How far the call of an address has got.
pub(crate) fn called(state: UpstreamState, lang: Lang) -> &'static str {
    match state {
        UpstreamState::Linked => super::linked(lang),
        UpstreamState::Calling => super::calling(lang),
        UpstreamState::Waiting => super::call_waiting(lang),
        UpstreamState::Resting => super::call_resting(lang),
    }
}

pub(crate) fn nobody_to_call(lang: Lang) -> &'static str {
    word(
        lang,
        "không có địa chỉ nào được gọi lúc này: xem `upstream` trong node.toml và giờ được gọi ở `hopluu link`",
        "there is no address to be called now: see `upstream` in node.toml, and the windows in `hopluu link`",
    )
}

/// What bytes were spent for.
pub(crate) fn purpose(lang: Lang, purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Handshake => word(lang, "bắt tay", "handshake"),
        Purpose::Hello => word(lang, "chào", "hello"),
        Purpose::Urgent => class(lang, Class::Urgent),
        Purpose::Figures => class(lang, Class::Figures),
        Purpose::Receipts => class(lang, Class::Receipts),
        Purpose::Texts => class(lang, Class::Texts),
        Purpose::Attachments => class(lang, Class::Attachments),
        Purpose::Talk => word(lang, "báo nhận và so sánh", "talk"),
        Purpose::Transport => word(lang, "vỏ gói tin", "transport"),
        Purpose::Repeats => word(lang, "gửi lại", "repeats"),
        Purpose::Parcels => word(lang, "gói gửi nhờ", "parcels"),
        Purpose::Calls => word(lang, "gọi không được", "calls in vain"),
    }
}

/// Entries of this node that the peer did not take.
pub(crate) fn refused_there(lang: Lang) -> &'static str {
    word(lang, "bên kia từ chối", "refused there")
}

/// This node closed a link.
pub(crate) fn closed_here(lang: Lang) -> &'static str {
    word(lang, "máy này đã đóng đường truyền", "closed here")
}

/// The peer closed a link.
pub(crate) fn closed_there(lang: Lang) -> &'static str {
    word(lang, "bên kia đã đóng đường truyền", "closed there")
}

/// The number of a reason in docs/protocol.md.
pub(crate) fn code(lang: Lang) -> &'static str {
    word(lang, "mã", "code")
}

/// Why the side that closed a link did so; nothing where it is usual: a program stops, another link is kept.
pub(crate) fn closed_why(lang: Lang, code: u16) -> Option<&'static str> {
    let (vi, en) = match code {
        0..=2 | 256 | 262 => return None,
        3 | 258 => (
            "chờ quá lâu không nghe gì",
            "nothing was heard for too long",
        ),
        4 => ("ổ đĩa không ghi được", "its disk could not do it"),
        5 => (
            "tạm hết bộ nhớ hoặc thời gian",
            "no memory or time to spare",
        ),
        6 => ("gọi vào chính mình", "it is the same node"),
        16..=47 | 260 => ("nhận được dữ liệu sai quy tắc", "what came broke a rule"),
        48 => ("lỗi của chương trình", "a bug"),
        257 => ("không có chứng thư hợp lệ", "no valid certificate"),
        259 => ("đang bận, gọi lại sau", "busy, to be called later"),
        261 => ("máy khác trả lời", "another node answered"),
        263 => ("máy này đã bị thu hồi", "this node is revoked"),
        264 => ("chứng thư đã hết hạn", "a certificate has ended"),
        _ => ("lý do của phiên bản khác", "a reason of another version"),
    };
    Some(word(lang, vi, en))
}

/// Why the settings of a link cannot be followed, in Vietnamese.
pub(crate) fn flaw(flaw: &LinkFlaw) -> String {
    match flaw {
        LinkFlaw::NotCalled => "địa chỉ này không có trong `upstream` hay `standby`".to_owned(),
        LinkFlaw::Zero(key) => format!("`{key}` bằng 0 thì không gửi được gì"),
        LinkFlaw::Window(WindowError::Shape(text)) => {
            format!("`{text}` không phải ngày và giờ, viết như `T2-T6 07:00-07:30`")
        }
        LinkFlaw::Window(WindowError::Day(text)) => {
            format!("`{text}` không phải thứ: viết T2 đến T7, CN hoặc `daily` (hằng ngày)")
        }
        LinkFlaw::Window(WindowError::Time(text)) => {
            format!("`{text}` không phải giờ từ 00:00 đến 24:00")
        }
        LinkFlaw::Window(WindowError::Empty(text)) => format!("`{text}` không có phút nào"),
        LinkFlaw::Window(WindowError::TooMany(count)) => {
            format!("có {count} khung giờ, nhiều quá")
        }
    }
}

pub(crate) fn carried(lang: Lang) -> &'static str {
    word(lang, "gói gửi nhờ đang mang", "parcels carried")
}

pub(crate) fn own_parcels(lang: Lang) -> &'static str {
    word(lang, "gói gửi nhờ đã giao", "parcels handed on")
}

/// Bytes, in the unit that a bill would use.
pub(crate) fn bytes(bytes: u64, lang: Lang) -> String {
    let point = word(lang, ",", ".");
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}{point}{} KB", bytes / 1_000, bytes / 100 % 10),
        _ => format!("{}{point}{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// A rate in bytes a second, as it is sold.
pub(crate) fn rate(bytes_a_second: u64) -> String {
    format!(
        "{} kbit/s",
        bytes_a_second.saturating_mul(8).div_ceil(1_000)
    )
}

/// A time, no finer than it matters.
pub(crate) fn time(seconds: u64, lang: Lang) -> String {
    match seconds {
        0..120 => format!("{seconds} {}", word(lang, "giây", "s")),
        120..7_200 => format!("{} {}", seconds.div_ceil(60), word(lang, "phút", "min")),
        _ => format!("{} {}", seconds.div_ceil(3_600), word(lang, "giờ", "h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_as_a_person_would() {
        assert_eq!(bytes(999, Lang::Vi), "999 B");
        assert_eq!(bytes(1_250, Lang::Vi), "1,2 KB");
        assert_eq!(bytes(20_900_000, Lang::En), "20.9 MB");
        assert_eq!(rate(1_200), "10 kbit/s");
        assert_eq!(time(119, Lang::Vi), "119 giây");
        assert_eq!(time(601, Lang::Vi), "11 phút");
        assert_eq!(time(7_201, Lang::En), "3 h");
    }
}
