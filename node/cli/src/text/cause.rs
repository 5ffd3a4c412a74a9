//! Why the machine did not do something, in Vietnamese.

use std::error::Error;
use std::io;

use hopluu_api::text::technical;
use hopluu_model::ErrorChain;

/// Behind a sentence: what the machine said, and the library's own words where that is not known.
pub(super) fn of(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(one) = cause {
        if let Some(said) = one.downcast_ref::<io::Error>().and_then(io_words) {
            return format!(": {said}");
        }
        cause = one.source();
    }
    format!(" {}", technical(&ErrorChain(error).to_string()))
}

fn io_words(error: &io::Error) -> Option<&'static str> {
    let words = match error.kind() {
        io::ErrorKind::NotFound => "không có tệp hay thư mục này",
        io::ErrorKind::PermissionDenied => "không được phép",
        io::ErrorKind::AlreadyExists => "đã có sẵn",
        io::ErrorKind::IsADirectory => "đây là thư mục, không phải tệp",
        io::ErrorKind::NotADirectory => "một phần của đường dẫn không phải thư mục",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "ổ đĩa đã đầy",
        io::ErrorKind::ReadOnlyFilesystem => "ổ đĩa chỉ cho đọc",
        io::ErrorKind::FileTooLarge => "tệp quá lớn",
        io::ErrorKind::InvalidFilename => "tên tệp không dùng được",
        io::ErrorKind::ResourceBusy => "đang được dùng",
        io::ErrorKind::AddrInUse => "địa chỉ đang được một chương trình khác dùng",
        io::ErrorKind::AddrNotAvailable => "máy này không có địa chỉ đó",
        io::ErrorKind::ConnectionRefused => "bên kia không nhận kết nối",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "kết nối bị ngắt",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "không có đường truyền tới đó"
        }
        io::ErrorKind::TimedOut => "quá lâu không trả lời",
        io::ErrorKind::OutOfMemory => "máy hết bộ nhớ",
        _ => return None,
    };
    Some(words)
}

#[cfg(test)]
mod tests {
    use hopluu_engine::HomeError;

    use super::*;

    #[test]
    fn what_the_machine_says_is_said_in_vietnamese() {
        let within = HomeError::File {
            path: "key".into(),
            source: io::ErrorKind::PermissionDenied.into(),
        };
        assert_eq!(of(&within), ": không được phép");
        let unknown = io::Error::other("quark spin");
        assert_eq!(of(&unknown), " (chi tiết kỹ thuật: quark spin)");
    }
}
