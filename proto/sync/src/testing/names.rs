//! Effects by name, and what becomes of them where the disk fails.

use crate::{Effect, Event};

pub(super) fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Dial { .. } => "dial",
        Effect::Send { .. } => "send",
        Effect::Await { .. } => "await",
        Effect::Close { .. } => "close",
        Effect::LoadCheckpoint { .. } => "load checkpoint",
        Effect::ReadJournal { .. } => "read journal",
        Effect::Apply { .. } => "apply",
        Effect::SaveAcked { .. } => "save acked",
        Effect::SaveCheckpoint { .. } => "save checkpoint",
        Effect::ReadItems { .. } => "read items",
        Effect::ReadHashes { .. } => "read hashes",
        Effect::ReadMissing { .. } => "read missing",
        Effect::ReadWants { .. } => "read wants",
        Effect::ReadPiece { .. } => "read piece",
        Effect::KeepPiece { .. } => "keep piece",
        Effect::NoteHolder { .. } => "note holder",
    }
}

pub(super) fn failed(effect: &Effect) -> Event {
    match effect {
        Effect::LoadCheckpoint { link, ticket, .. }
        | Effect::ReadJournal { link, ticket, .. }
        | Effect::Apply { link, ticket, .. }
        | Effect::SaveAcked { link, ticket, .. }
        | Effect::SaveCheckpoint { link, ticket, .. }
        | Effect::ReadItems { link, ticket, .. }
        | Effect::ReadHashes { link, ticket, .. }
        | Effect::ReadMissing { link, ticket, .. }
        | Effect::ReadWants { link, ticket, .. }
        | Effect::ReadPiece { link, ticket, .. }
        | Effect::KeepPiece { link, ticket, .. } => Event::StoreFailed {
            link: *link,
            ticket: *ticket,
        },
        Effect::Dial { .. }
        | Effect::Send { .. }
        | Effect::Await { .. }
        | Effect::Close { .. }
        | Effect::NoteHolder { .. } => {
            unreachable!("performed by the world")
        }
    }
}
