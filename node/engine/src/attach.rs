//! Attachments as people have them: a file goes with a report, is listed, and is read back.

use std::sync::Arc;

use hopluu_doc::limits::ATTACHMENT_BYTES_MAX;
use hopluu_doc::{Attached, Attachment, AttachmentError, Edit, Report};
use hopluu_model::{Digest, Timestamp, UnitId};
use hopluu_store::{DbError, FilePiece, FileRow, WriteTx};
use hopluu_sync::FileId;
use hopluu_sync::limits::PIECE_BYTES;
use hopluu_sync::outline::{Mark, hash_of, mark};

use crate::core::Core;
use crate::docket::SealedBy;
use crate::edit::Made;
use crate::error::CommandError;
use crate::files::FileQuota;
use crate::limits::PART_PIECES_MAX;
use crate::resolve::{Meant, named};
use crate::turn::{Reply, Turn};
use crate::view::{AttachRequest, AttachmentPart, AttachmentView, Saved, Selector};

/// A file that a person gave, cut and hashed.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    attachment: Attachment,
    content: Arc<Vec<u8>>,
    marks: Arc<Vec<Mark>>,
}

impl Prepared {
    /// Hashes a file; it takes as long as reading it.
    pub(crate) fn new(content: Vec<u8>, name: &str, caption: &str) -> Result<Self, CommandError> {
        let length = content.len() as u64;
        let too_long = AttachmentError::TooLong(length);
        if length > ATTACHMENT_BYTES_MAX {
            return Err(CommandError::Attachment(too_long));
        }
        let chunks = (0..).zip(content.chunks(PIECE_BYTES));
        let marks: Vec<Mark> = chunks.map(|(number, body)| mark(number, body)).collect();
        let first = content.chunks(PIECE_BYTES).next().unwrap_or_default();
        let hash = hash_of(length, &marks, first);
        let hash = hash.ok_or(CommandError::Attachment(AttachmentError::Kind))?;
        let attachment = Attachment::describe(first, (hash, length), name, caption)
            .map_err(CommandError::Attachment)?;
        Ok(Self {
            attachment,
            content: Arc::new(content),
            marks: Arc::new(marks),
        })
    }

    pub(crate) fn file(&self) -> FileId {
        FileId {
            hash: self.attachment.hash,
            length: self.attachment.length,
        }
    }

    /// Keeps all of it, in the transaction of the save that names it.
    pub(crate) fn keep(&self, tx: &mut WriteTx<'_>, quota: FileQuota) -> Result<(), DbError> {
        let file = self.file();
        quota.make_room(tx, file.length)?;
        let pieces = self.content.chunks(PIECE_BYTES).zip(self.marks.iter());
        for (number, (body, mark)) in (0..).zip(pieces) {
            let piece = FilePiece {
                number,
                mark: mark.to_vec(),
                body: body.to_vec(),
            };
            tx.put_file_piece((file.hash, file.length), &piece)?;
        }
        Ok(())
    }
}

impl Core {
    /// Names a file in a report and keeps its bytes, both or neither.
    pub(crate) fn attach(
        &mut self,
        turn: &mut Turn,
        request: &AttachRequest,
        file: Prepared,
        reply: Reply<Saved>,
    ) {
        let made = self.make_attached(turn.now, request, file);
        self.commit(turn.now, made, reply);
    }

    fn make_attached(
        &mut self,
        now: Timestamp,
        request: &AttachRequest,
        file: Prepared,
    ) -> Result<Made, CommandError> {
        let meant = self.ours(&request.report)?;
        self.has_room_for(&meant.key.unit, file.file())?;
        let edit = Edit::Attach(file.attachment.clone());
        let mut made =
            self.make_edits(now, meant, request.office.as_deref(), edit, request.create)?;
        made.file = Some(file);
        Ok(made)
    }

    fn has_room_for(&self, unit: &UnitId, file: FileId) -> Result<(), CommandError> {
        let quota = self.file_quota;
        let read = self.read()?;
        let row = read.file(file.hash, file.length);
        let held = row.map_err(CommandError::Store)?.map_or(0, |row| row.held);
        let fits = quota.has_room(&read, unit, (file.length, held));
        if !fits.map_err(CommandError::Store)? {
            let (most, of_unit) = (quota.unit, true);
            return Err(CommandError::NoRoom { most, of_unit });
        }
        let here = read.named_file_bytes().map_err(CommandError::Store)?;
        if held == 0 && here.saturating_add(file.length) > quota.all {
            let (most, of_unit) = (quota.all, false);
            return Err(CommandError::NoRoom { most, of_unit });
        }
        Ok(())
    }

    /// The attachments of a report, by hash.
    pub(crate) fn attachments(
        &mut self,
        selector: &Selector,
    ) -> Result<Vec<AttachmentView>, CommandError> {
        let (meant, row) = self.existing(selector)?;
        let authors = self.authors(row.doc)?;
        let attached = self.attached(&meant)?;
        let read = self.read()?;
        let mut views = Vec::new();
        for one in attached {
            let Attached { attachment, by } = one;
            let file = read
                .file(attachment.hash, attachment.length)
                .map_err(CommandError::Store)?;
            let sealed = authors.get(&by.change);
            views.push(AttachmentView {
                hash: attachment.hash.to_string(),
                name: attachment.name,
                caption: attachment.caption,
                media: attachment.media.to_string(),
                bytes: attachment.length,
                held: file.map_or(0, |file| file.held),
                at: by.at,
                office: by.office,
                author: sealed.map(|by| by.node),
                account: sealed.and_then(SealedBy::person),
                holders: self.holders(&meant, file.as_ref())?,
            });
        }
        Ok(views)
    }

    /// The units whose nodes have said that they have all of a file.
    fn holders(
        &self,
        meant: &Meant,
        file: Option<&FileRow>,
    ) -> Result<Vec<crate::view::UnitName>, CommandError> {
        let Some(file) = file else {
            return Ok(Vec::new());
        };
        let holders = self.read()?.file_holders(file);
        let holders = holders.map_err(CommandError::Store)?.into_iter();
        let units = holders.filter_map(|node| Some(&self.registry().identity(&node)?.place.unit));
        let units: std::collections::BTreeSet<_> = units.collect();
        let own = &self.me().unit;
        let others = units.into_iter().filter(|unit| *unit != own);
        Ok(others
            .map(|unit| named(&meant.tree, unit, meant.day))
            .collect())
    }

    fn attached(&mut self, meant: &Meant) -> Result<Vec<Attached>, CommandError> {
        let attached = |report: &mut Report| report.attachments();
        let attached = self.on_report(&meant.key, &meant.form, attached)?;
        let mut attached: Vec<_> = attached.into_values().collect();
        attached.sort_by(|a, b| (a.by.op, &a.attachment.hash).cmp(&(b.by.op, &b.attachment.hash)));
        Ok(attached)
    }

    /// The attachment that a person means: by its place in the list, its name, or the beginning of its hash.
    pub(crate) fn meant_attachment(
        &mut self,
        meant: &Meant,
        text: &str,
    ) -> Result<Attachment, CommandError> {
        let attached = self.attached(meant)?;
        let place = text.parse::<usize>().ok();
        let by_place = place.and_then(|place| attached.get(place.checked_sub(1)?));
        let has_name = |one: &&Attached| one.attachment.name == text;
        let has_hash = |one: &&Attached| {
            text.len() >= HASH_LETTERS_MIN && one.attachment.hash.to_string().starts_with(text)
        };
        let mut by_word = attached.iter().filter(|one| has_name(one) || has_hash(one));
        let found = match (by_place, by_word.next(), by_word.next()) {
            (_, Some(one), None) => Some(one),
            (Some(one), None, _) => Some(one),
            // Two of one name: only place or hash tells them apart.
            _ => None,
        };
        let known = || attached.iter().map(|one| one.attachment.name.clone());
        let unknown = || CommandError::NoAttachment {
            text: text.to_owned(),
            known: known().collect(),
        };
        found.map(|one| one.attachment.clone()).ok_or_else(unknown)
    }

    /// A stretch of a file, from a piece on.
    pub(crate) fn attachment_part(
        &mut self,
        selector: &Selector,
        text: &str,
        from: u16,
    ) -> Result<AttachmentPart, CommandError> {
        let (meant, _) = self.existing(selector)?;
        let attachment = self.meant_attachment(&meant, text)?;
        let read = self.read()?;
        let (hash, length): (Digest, u64) = (attachment.hash, attachment.length);
        let file = read.file(hash, length).map_err(CommandError::Store)?;
        let file = match file {
            Some(file) if file.is_whole() => file,
            other => {
                return Err(CommandError::NotHereYet {
                    name: attachment.name,
                    held: other.map_or(0, |file| file.held),
                    bytes: length,
                });
            }
        };
        let mut content = Vec::new();
        let end = from.saturating_add(PART_PIECES_MAX);
        for number in from..end {
            match read
                .file_piece(&file, number)
                .map_err(CommandError::Store)?
            {
                Some(body) => content.extend(body),
                None => break,
            }
        }
        Ok(AttachmentPart {
            hash: hash.to_string(),
            name: attachment.name,
            bytes: length,
            next: end,
            content,
        })
    }
}

/// Letters of a hash that a person must type: fewer may be a name or a place.
const HASH_LETTERS_MIN: usize = 6;
