//! What a person does to a report, and what came of it.

use hopluu_form::Form;
use hopluu_model::{
    ActorId, ChangeHash, Digest, Fault, IndicatorCode, OfficeId, Scalar, SectionId, Timestamp,
};

use crate::attachment::Attachment;
use crate::figure::FigureKey;
use crate::genesis::{DerivedChange, GenesisError};
use crate::lifecycle::LifecycleEvent;
use crate::marks::Answer;
use crate::scan::{ScanError, ScannedChange};

/// Who saves, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveContext {
    /// Fresh and random per process start and document: never reused, not even after a restore.
    pub actor: ActorId,
    /// What the clock says; shown as claimed.
    pub at: Timestamp,
    /// For which office the person writes.
    pub office: Option<OfficeId>,
    /// A line on why, or nothing.
    pub message: String,
}

/// One thing to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Sets a figure. [`Scalar::Blank`] clears it; nothing is ever deleted.
    SetFigure {
        /// Which.
        key: FigureKey,
        /// To what.
        value: Scalar,
    },
    /// Decides between the values of a figure that offices wrote apart.
    Settle {
        /// Which.
        key: FigureKey,
        /// For what; it need not be one of them.
        value: Scalar,
    },
    /// Sets the note beside a figure; an empty one clears it.
    SetNote {
        /// Which.
        key: FigureKey,
        /// To what.
        text: String,
    },
    /// Makes one office's text of a section read like this.
    SetText {
        /// Which section.
        section: SectionId,
        /// Whose text.
        office: OfficeId,
        /// The whole new text.
        text: String,
    },
    /// Names a file that goes with the report.
    Attach(Attachment),
    /// No longer names it.
    Detach(Digest),
    /// Writes a step of the report's life.
    Event(LifecycleEvent),
    /// Says what became of the void part of a change.
    Answer {
        /// Which.
        change: ChangeHash,
        /// What.
        answer: Answer,
    },
}

/// What one save wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedChange {
    /// The hash of the one change.
    pub hash: ChangeHash,
    /// Its chunk.
    pub bytes: Vec<u8>,
    /// What it builds upon.
    pub deps: Vec<ChangeHash>,
    /// Changes that declare texts of a later minor version, which this one is the first to write to.
    /// They come before it, unsealed.
    pub derived: Vec<DerivedChange>,
    /// The change as every reader will see it.
    pub scanned: ScannedChange,
}

/// Why a save was refused. The document is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The form has no such line.
    #[error("form has no line `{0}`")]
    UnknownLine(IndicatorCode),
    /// The line is a heading.
    #[error("line `{0}` is a heading and has no figure")]
    Heading(IndicatorCode),
    /// The line is the sum of its offices' parts.
    #[error("line `{0}` is the sum of its offices' parts: write `{0}@office`")]
    PartsOnly(IndicatorCode),
    /// The line has no parts, or not of that office.
    #[error("line `{code}` has no part of office `{office}`")]
    NoSuchPart {
        /// The line.
        code: IndicatorCode,
        /// The office.
        office: OfficeId,
    },
    /// The form has no such text.
    #[error("form has no section `{section}` that office `{office}` writes")]
    UnknownText {
        /// The section.
        section: SectionId,
        /// The office.
        office: OfficeId,
    },
    /// More than a text, note or reason may have.
    #[error("{what} has {length} {unit}, at most {max} are kept")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// How long it is.
        length: usize,
        /// Of what.
        unit: &'static str,
        /// The bound.
        max: usize,
    },
    /// The report has no such attachment.
    #[error("report has no attachment {0}")]
    UnknownAttachment(Digest),
    /// More attachments than a report may have.
    #[error("report has {max} attachments already", max = crate::limits::ATTACHMENTS_PER_DOC_MAX)]
    TooManyAttachments,
    /// More edits than one save takes.
    #[error("{0} edits in one save, at most {max} are taken", max = crate::limits::EDITS_PER_SAVE_MAX)]
    TooManyEdits(usize),
    /// The change would be refused by every other node.
    #[error("save is too large to be passed on")]
    BeyondBounds(#[source] ScanError),
    /// No such save in this document.
    #[error("document has no save {0}")]
    UnknownSave(ChangeHash),
    /// Automerge refused what it always takes.
    #[error("document does not take the edit")]
    Document(#[from] automerge::AutomergeError),
    /// A text could not be declared.
    #[error(transparent)]
    Derived(#[from] GenesisError),
}

impl EditError {
    /// A person wrote most of these.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Document(_) | Self::Derived(_) => Fault::Bug,
            _ => Fault::Config,
        }
    }
}

/// The message of a change: the office on the first line, then the person's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaveMessage {
    /// For which office the person wrote, as they claimed.
    pub office: Option<OfficeId>,
    /// Why, or nothing.
    pub text: String,
}

impl SaveMessage {
    /// Reads the message of a change. What is no office is text.
    #[must_use]
    pub fn read(message: Option<&str>) -> Self {
        let message = message.unwrap_or_default();
        let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
        if first.is_empty() {
            return Self {
                office: None,
                text: rest.to_owned(),
            };
        }
        match first.parse() {
            Ok(office) => Self {
                office: Some(office),
                text: rest.to_owned(),
            },
            Err(_) => Self {
                office: None,
                text: message.to_owned(),
            },
        }
    }

    /// As it stands in the change; nothing to say is no message.
    #[must_use]
    pub fn encode(&self) -> Option<String> {
        let office = self.office.as_ref().map_or("", OfficeId::as_str);
        match (office, self.text.as_str()) {
            ("", "") => None,
            (office, "") => Some(office.to_owned()),
            (office, text) => Some(format!("{office}\n{text}")),
        }
    }
}

/// Whether the form has a place for a figure under this key.
pub(crate) fn check_figure(form: &Form, key: &FigureKey) -> Result<(), EditError> {
    let code = || key.code.clone();
    let line = form
        .line(&key.code)
        .ok_or_else(|| EditError::UnknownLine(code()))?;
    let Some(value) = line.value() else {
        let fits = line.is_open_heading() && key.office.is_none();
        return if fits {
            Ok(())
        } else {
            Err(EditError::Heading(code()))
        };
    };
    match &key.office {
        None if value.by_office => Err(EditError::PartsOnly(code())),
        Some(office) if !value.by_office || !value.offices().any(|known| known == office) => {
            Err(EditError::NoSuchPart {
                code: code(),
                office: office.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Refuses what is longer than it may be.
pub(crate) fn check_length(
    what: &'static str,
    unit: &'static str,
    length: usize,
    max: usize,
) -> Result<(), EditError> {
    if length > max {
        return Err(EditError::TooLong {
            what,
            length,
            unit,
            max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_office_and_words_apart() {
        for (office, text, encoded) in [
            (None, "", None),
            (Some("police"), "", Some("police")),
            (Some("police"), "sửa số", Some("police\nsửa số")),
            (None, "sửa\nsố", Some("\nsửa\nsố")),
        ] {
            let office = office.map(|office| office.parse().unwrap());
            let message = SaveMessage {
                office,
                text: text.to_owned(),
            };
            assert_eq!(message.encode().as_deref(), encoded);
            assert_eq!(SaveMessage::read(encoded), message);
        }
        assert_eq!(SaveMessage::read(Some("Ghi chú")).text, "Ghi chú");
    }
}
