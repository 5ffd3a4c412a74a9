//! Reports made from nothing, sealed by whom one likes.

use std::sync::Arc;

use hopluu_doc::{DocKey, Edit, Member, Report, SaveContext};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, Timestamp};
use hopluu_trust::{Seal, Signer};

use crate::RogueError;
use crate::frames::Object;

/// Makes up saves of a report, one upon the other.
#[derive(Debug)]
pub struct Forger {
    key: DocKey,
    report: Report,
    actor: ActorId,
}

impl Forger {
    /// Begins a report anew, whatever others have written in it.
    ///
    /// # Errors
    /// When there is no such report.
    pub fn new(key: DocKey, form: &Arc<Form>, actor: ActorId) -> Result<Self, RogueError> {
        let report = Report::create(key.clone(), form);
        let report = report.map_err(|error| RogueError::Report(error.to_string()))?;
        Ok(Self { key, report, actor })
    }

    /// The next save.
    ///
    /// # Errors
    /// When a report cannot say this.
    pub fn save(&mut self, edits: &[Edit]) -> Result<Change, RogueError> {
        let context = SaveContext {
            actor: self.actor,
            at: Timestamp(1_600_000_000_000),
            office: None,
            message: String::new(),
        };
        let saved = self.report.save(&context, edits);
        let saved = saved.map_err(|error| RogueError::Report(error.to_string()))?;
        let saved = saved.ok_or_else(|| RogueError::Report("nothing is new".to_owned()))?;
        Ok(Change {
            key: self.key.clone(),
            actor: self.actor,
            hash: saved.hash,
            bytes: saved.bytes,
        })
    }
}

/// A change, and how it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of which document.
    pub key: DocKey,
    /// By which actor.
    pub actor: ActorId,
    /// Its name.
    pub hash: ChangeHash,
    /// Its chunk.
    pub bytes: Vec<u8>,
}

impl Change {
    /// Its document, as a push names it.
    #[must_use]
    pub fn object(&self) -> Object {
        Object::New {
            id: self.key.id().0,
            descriptor: self.key.encode(),
        }
    }

    /// Somebody's seal, for this document or, lying, for another.
    ///
    /// # Errors
    /// Never, for a seal of one actor is within all bounds.
    pub fn seal(&self, signer: &Signer, key: &DocKey) -> Result<Seal, RogueError> {
        let actors = vec![self.actor];
        Ok(Seal::sign(
            signer,
            key.id(),
            actors,
            self.hash,
            String::new(),
        )?)
    }

    /// As it travels with this signer's seal.
    ///
    /// # Errors
    /// Never, as [`Self::seal`].
    pub fn sealed(&self, signer: &Signer) -> Result<Vec<u8>, RogueError> {
        Ok(self.with_seal(&self.seal(signer, &self.key)?))
    }

    /// As it travels with any seal.
    #[must_use]
    pub fn with_seal(&self, seal: &Seal) -> Vec<u8> {
        travelling(&seal.to_wire(), &self.bytes)
    }
}

/// A change as it travels behind a seal.
#[must_use]
pub fn travelling(seal: &[u8], change: &[u8]) -> Vec<u8> {
    Member { seal, change }.raw()
}
