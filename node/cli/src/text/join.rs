//! Why a newcomer is not let in, in Vietnamese; in English the errors say it themselves.

use hopluu_api::text::technical;
use hopluu_engine::{JoinCallError, JoinError, JoinRefusal, TicketError};
use hopluu_model::ErrorChain;

use super::cause;

/// Why the superior did not let this node in.
pub(super) fn reason(error: &JoinCallError) -> String {
    match error {
        JoinCallError::NoAddress => "mã mời không có địa chỉ nào tìm được".to_owned(),
        JoinCallError::Socket(error) => format!("không mở được cổng UDP{}", cause::of(error)),
        JoinCallError::Dial(cause) => {
            let words = technical(&ErrorChain(cause).to_string());
            format!("không gọi được cấp trên {words}")
        }
        JoinCallError::NoAnswer(_) => "cấp trên nhận cuộc gọi nhưng không trả lời".to_owned(),
        JoinCallError::Join(JoinError::Refused(refusal)) => refused(*refusal),
        JoinCallError::TooLarge | JoinCallError::Join(_) => {
            let words = technical(&ErrorChain(error).to_string());
            format!("câu trả lời không đúng với mã mời {words}")
        }
    }
}

fn refused(refusal: JoinRefusal) -> String {
    match refusal {
        JoinRefusal::UnknownTicket => "bên mời không biết mã mời này".to_owned(),
        JoinRefusal::Expired => "mã mời đã hết hạn".to_owned(),
        JoinRefusal::Used => "mã mời đã được một máy khác dùng".to_owned(),
        JoinRefusal::WrongProof => "yêu cầu không chứng minh được khóa và mã mời".to_owned(),
        JoinRefusal::Busy => "bên mời đang bận, lát nữa gọi lại".to_owned(),
        JoinRefusal::Malformed => "bên mời không đọc được yêu cầu".to_owned(),
        JoinRefusal::NotAllowed => "bên mời không được cấp chứng thư cho đơn vị này".to_owned(),
        JoinRefusal::Unknown(number) => {
            format!("lý do số {number} của một phiên bản mới hơn")
        }
    }
}

/// What is wrong with the text of a ticket.
pub(super) fn ticket(error: &TicketError) -> String {
    match error {
        TicketError::NotATicket => "mã mời bắt đầu bằng HOPLUU1-".to_owned(),
        TicketError::Version(version) => {
            format!("mã mời phiên bản {version}, chương trình này đọc phiên bản 1")
        }
        TicketError::Garbled => "mã mời bị sai hoặc thiếu ký tự".to_owned(),
        TicketError::TooLong => "dài hơn mọi mã mời".to_owned(),
        TicketError::Address(address) => format!("`{address}` không phải địa chỉ"),
        TicketError::Content(cause) => format!(
            "nội dung mã mời sai quy định {}",
            technical(&cause.to_string())
        ),
    }
}
