//! Papers that go with a report: scans of what was signed by hand. A document names one by its content and
//! says what a list shows of it; the bytes lie beside the document and travel by themselves.
//!
//! A reference is a value in the map of notes, under `+` and the hash. No line's code begins so: a program
//! that knows no attachments passes over it, and seals, merges and history treat it as any other note.
//! Where one office removes what another writes anew apart, it stays: nobody loses a paper by a merge.
//! An empty value is a reference that was removed.

use std::fmt;
use std::str::FromStr;

use hopluu_model::{Digest, Fault};
use unicode_normalization::UnicodeNormalization;

use crate::limits::{
    ATTACHMENT_BYTES_MAX, ATTACHMENT_NAME_BYTES_MAX, CAPTION_BYTES_MAX, FIGURE_BYTES_MAX,
};

/// What the key of a reference begins with.
const MARK: char = '+';

/// What stands where a name has nothing that may stay.
const NAMELESS: &str = "attachment";

/// The kinds of files that are taken: what a scanner or a camera makes. Nothing that a reader's machine
/// could run, and no office files, which can carry macros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MediaType {
    /// A PDF.
    Pdf,
    /// A JPEG.
    Jpeg,
    /// A PNG.
    Png,
    /// A TIFF.
    Tiff,
}

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Jpeg, Self::Png, Self::Tiff];

    /// The kind by a file's first bytes, whatever its name says.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let begins = |media: &Self| media.magic().iter().any(|magic| head.starts_with(magic));
        Self::ALL.into_iter().find(begins)
    }

    fn magic(self) -> &'static [&'static [u8]] {
        match self {
            Self::Pdf => &[b"%PDF-"],
            Self::Jpeg => &[b"\xff\xd8\xff"],
            Self::Png => &[b"\x89PNG\r\n\x1a\n"],
            Self::Tiff => &[b"II*\0", b"MM\0*"],
        }
    }

    /// Its name on the internet.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
        }
    }

    /// How a file of this kind may end, the usual ending first.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &[".pdf"],
            Self::Jpeg => &[".jpg", ".jpeg"],
            Self::Png => &[".png"],
            Self::Tiff => &[".tif", ".tiff"],
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum AttachmentError {
    /// Not one of [`MediaType::ALL`] by its first bytes.
    #[error("file is no PDF, JPEG, PNG or TIFF")]
    Kind,
    /// Longer than an attachment may be.
    #[error("file has {0} bytes, at most {max} are taken", max = ATTACHMENT_BYTES_MAX)]
    TooLong(u64),
    /// Longer than a caption may be.
    #[error("caption has {0} bytes, at most {max} are taken", max = CAPTION_BYTES_MAX)]
    Caption(usize),
}

impl AttachmentError {
    /// A person chose the file.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// What a document says of one attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// BLAKE3 of its bytes.
    pub hash: Digest,
    /// How many there are.
    pub length: u64,
    /// What they are.
    pub media: MediaType,
    /// How its file is called: never a path, never with an ending of another kind.
    pub name: String,
    /// What it shows, in the words of whoever attached it; may be empty.
    pub caption: String,
}

impl Attachment {
    /// Describes a file that has been hashed; `head` is its first bytes.
    ///
    /// # Errors
    /// It is not one to be taken.
    pub fn describe(
        head: &[u8],
        (hash, length): (Digest, u64),
        name: &str,
        caption: &str,
    ) -> Result<Self, AttachmentError> {
        let media = MediaType::of(head).ok_or(AttachmentError::Kind)?;
        if length > ATTACHMENT_BYTES_MAX {
            return Err(AttachmentError::TooLong(length));
        }
        let caption = one_line(caption);
        if caption.len() > CAPTION_BYTES_MAX {
            return Err(AttachmentError::Caption(caption.len()));
        }
        Ok(Self {
            hash,
            length,
            media,
            name: file_name(name, media),
            caption,
        })
    }

    /// The lines under the key.
    pub(crate) fn encode(&self) -> String {
        let (length, media) = (self.length, self.media);
        format!("{length} {media}\n{}\n{}", self.name, self.caption)
    }

    /// Nothing where it was removed, or where another author or a later version of the program wrote what
    /// this one does not take.
    pub(crate) fn read(hash: Digest, text: &str) -> Option<Self> {
        let (size, rest) = text.split_once('\n')?;
        let (name, caption) = rest.split_once('\n')?;
        let (length, media) = read_size(size)?;
        let caption = one_line(caption);
        (caption.len() <= CAPTION_BYTES_MAX).then(|| Self {
            hash,
            length,
            media,
            name: file_name(name, media),
            caption,
        })
    }
}

/// The first line of a reference.
pub(crate) fn read_size(line: &str) -> Option<(u64, MediaType)> {
    let (length, media) = line.split_once(' ')?;
    let length = length
        .parse()
        .ok()
        .filter(|at| *at <= ATTACHMENT_BYTES_MAX)?;
    let media = MediaType::ALL
        .into_iter()
        .find(|one| one.as_str() == media)?;
    Some((length, media))
}

/// What facts keep of a reference: its first line, nothing of names and captions. Empty where that is no
/// first line of any version.
pub(crate) fn fact_of(value: &str) -> &str {
    let line = value.split_once('\n').map_or("", |(line, _)| line);
    if line.len() <= FIGURE_BYTES_MAX {
        line
    } else {
        ""
    }
}

/// Where a reference stands in the map of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttachmentKey(pub(crate) Digest);

impl fmt::Display for AttachmentKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{MARK}{}", self.0)
    }
}

impl FromStr for AttachmentKey {
    type Err = NoAttachment;

    fn from_str(text: &str) -> Result<Self, NoAttachment> {
        let hash = text.strip_prefix(MARK).ok_or(NoAttachment)?;
        let key = Self(hash.parse().map_err(|_| NoAttachment)?);
        // One spelling only, or two keys would name one file.
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(NoAttachment)
        }
    }
}

/// A key that names no attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoAttachment;

/// A name under which a file may be saved anywhere: its last part only, without what steers a terminal, a
/// shell or a reader's eye, and with an ending of its kind.
fn file_name(name: &str, media: MediaType) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !steers(*c)).nfc().collect();
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '.' || c == '-');
    let name = if name.is_empty() { NAMELESS } else { name };
    let lower = name.to_lowercase();
    let fits = |ending: &&&str| lower.len() > ending.len() && lower.ends_with(**ending);
    let ending = media.endings().iter().find(fits);
    let stem = match ending {
        // Lower case may be longer or shorter, but an ending of ASCII is as long in both.
        Some(ending) => name
            .get(..name.len().saturating_sub(ending.len()))
            .unwrap_or(name),
        None => name,
    };
    let ending = ending
        .or(media.endings().first())
        .copied()
        .unwrap_or_default();
    let stem = cut(stem, ATTACHMENT_NAME_BYTES_MAX - ending.len());
    let stem = stem.trim_end_matches(|c: char| c.is_whitespace() || c == '.');
    format!("{stem}{ending}")
}

/// Characters that file systems, shells and terminals take for more than a letter, and those that turn the
/// direction of writing.
fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || turns || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '`' | '$')
}

/// Words as one line, in NFC.
fn one_line(text: &str) -> String {
    let spaced = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    let line: String = spaced.filter(|c| !c.is_control()).nfc().collect();
    line.trim().to_owned()
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(name: &str) -> String {
        file_name(name, MediaType::Pdf)
    }

    #[test]
    fn a_name_is_never_a_path_and_ends_as_its_kind_does() {
        for (given, kept) in [
            ("../../etc/passwd", "passwd.pdf"),
            (r"C:\Users\x\Báo cáo.PDF", "Báo cáo.pdf"),
            ("scan.exe", "scan.exe.pdf"),
            ("..", "attachment.pdf"),
            ("-rf", "rf.pdf"),
            (".pdf", "pdf.pdf"),
            ("a\u{202e}fdp.exe", "afdp.exe.pdf"),
            ("dòng\n hai\u{1b}[31m", "dòng hai[31m.pdf"),
        ] {
            assert_eq!(named(given), kept, "{given:?}");
        }
        assert!(named(&"ệ".repeat(500)).len() <= ATTACHMENT_NAME_BYTES_MAX);
        assert_eq!(file_name("ảnh.JPEG", MediaType::Jpeg), "ảnh.jpeg");
    }

    #[test]
    fn kinds_go_by_content() {
        for (head, media) in [
            (&b"%PDF-1.7"[..], Some(MediaType::Pdf)),
            (b"\xff\xd8\xff\xe0", Some(MediaType::Jpeg)),
            (b"II*\0\x08", Some(MediaType::Tiff)),
            (b"MZ\x90\0", None),
            (b"PK\x03\x04", None),
            (b"", None),
        ] {
            assert_eq!(MediaType::of(head), media);
        }
        let id = (Digest([1; 32]), ATTACHMENT_BYTES_MAX + 1);
        let refused = |head: &[u8], id, caption: &str| Attachment::describe(head, id, "x", caption);
        assert_eq!(refused(b"#!/bin/sh", id, ""), Err(AttachmentError::Kind));
        assert_eq!(
            refused(b"%PDF-", id, ""),
            Err(AttachmentError::TooLong(id.1))
        );
        let long = "x".repeat(CAPTION_BYTES_MAX + 1);
        let too_long = Err(AttachmentError::Caption(CAPTION_BYTES_MAX + 1));
        assert_eq!(refused(b"%PDF-", (id.0, 1), &long), too_long);
    }

    #[test]
    fn what_another_author_wrote_is_read_with_care() {
        let hash = Digest([7; 32]);
        let read = |text| Attachment::read(hash, text);
        let sly = read("5 image/png\n../x\u{202e}.exe\nmột\ndòng").unwrap();
        assert_eq!(
            (sly.name.as_str(), sly.caption.as_str()),
            ("x.exe.png", "một dòng")
        );
        for bad in [
            "",
            "5 image/png",
            "5 image/png\nx",
            "x image/png\nx\n",
            "5 text/html\nx\n",
            "52428801 image/png\nx\n",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        let key = AttachmentKey(hash).to_string();
        assert_eq!(key.parse(), Ok(AttachmentKey(hash)));
        let upper = format!("+{}", Digest([0xab; 32]).to_string().to_uppercase());
        assert!(upper.parse::<AttachmentKey>().is_err(), "one spelling");
        assert!(hash.to_string().parse::<AttachmentKey>().is_err());
        assert!(key.parse::<crate::FigureKey>().is_err(), "no figure's key");
    }

    proptest! {
        #[test]
        fn whatever_it_is_called_it_reads_back(name in ".{0,300}", caption in ".{0,200}") {
            let id = (Digest([3; 32]), 1_234);
            let told = Attachment::describe(b"\x89PNG\r\n\x1a\n", id, &name, &caption).unwrap();
            prop_assert!(told.encode().len() <= crate::limits::NOTE_BYTES_MAX);
            prop_assert_eq!(Attachment::read(id.0, &told.encode()), Some(told.clone()));
            let line = told.encode();
            prop_assert_eq!(fact_of(&line), "1234 image/png");
            prop_assert!(told.name.len() <= ATTACHMENT_NAME_BYTES_MAX && told.name.ends_with(".png"));
        }
    }
}
