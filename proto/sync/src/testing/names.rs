//! Effects by name, and what becomes of them where the disk fails.

use crate::{Effect, Event};

pub(super) fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Dial { .. } => "dial",
        Effect::Send { .. } => "send",
        Effect::Await { .. } => "await",
        Effect::Close { .. } => "close",
        Effect::ReadOn { .. } => "read on",
        Effect::HasRead { .. } => "has read",
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
    let (link, ticket) = effect.ticket().expect("the world performs the others");
    Event::StoreFailed { link, ticket }
}
