//! Words about attachments.

use hopluu_doc::AttachmentError;
use hopluu_doc::limits::{ATTACHMENT_BYTES_MAX, CAPTION_BYTES_MAX};

use super::Both;

/// Bytes as people say them.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    const MB: u64 = 1 << 20;
    if bytes < MB {
        return format!("{} KB", bytes.div_ceil(1 << 10));
    }
    let tenths = bytes * 10 / MB;
    format!("{},{} MB", tenths / 10, tenths % 10)
}

pub(super) fn message_vi(error: &AttachmentError) -> String {
    match error {
        AttachmentError::Kind => "tệp không phải PDF, JPEG, PNG hay TIFF".to_owned(),
        AttachmentError::TooLong(bytes) => {
            let (bytes, most) = (megabytes(*bytes), megabytes(ATTACHMENT_BYTES_MAX));
            format!("tệp dài {bytes}, tối đa {most}")
        }
        AttachmentError::Caption(bytes) => {
            format!("lời chú thích dài {bytes} byte, tối đa {CAPTION_BYTES_MAX}")
        }
    }
}

pub(super) fn hint(error: &AttachmentError) -> Both {
    match error {
        AttachmentError::Kind => Both::new(
            "quét văn bản ra PDF, hoặc chụp ảnh",
            "scan the paper to PDF, or take a photo of it",
        ),
        AttachmentError::TooLong(_) => Both::new(
            "quét ở 200 dpi, thang xám, hoặc chia thành nhiều tệp",
            "scan at 200 dpi in grey, or split it over several files",
        ),
        AttachmentError::Caption(_) => Both::new("rút gọn lời chú thích", "shorten the caption"),
    }
}
