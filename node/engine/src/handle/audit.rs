//! What is asked for an audit.

use hopluu_model::{CompartmentId, NodeId};

use super::Handle;
use crate::audit::{RefusedKind, Shown};
use crate::core::Core;
use crate::error::CommandError;
use crate::turn::Reply;
use crate::view::{AuditView, ReadView, ReadsQuery, RefusedView, Selector};

impl Handle {
    /// Everything that was ever written in a report, or in one line or section of it, and on whose right.
    ///
    /// # Errors
    /// When the selector or the name is of nothing, or it cannot be read.
    pub async fn audit(
        &self,
        report: Selector,
        name: Option<String>,
    ) -> Result<AuditView, CommandError> {
        let auditing = self.read(move |core, _| core.auditing(&report)).await?;
        self.aside(move || auditing.report(name.as_deref())).await
    }

    /// The same as a file that whoever knows the root can verify: of the open document, or of a compartment.
    ///
    /// # Errors
    /// When the selector names none, it cannot be read, or is too large for anybody to read.
    pub async fn dossier(
        &self,
        report: Selector,
        compartment: Option<CompartmentId>,
    ) -> Result<Vec<u8>, CommandError> {
        let asked = move |core: &mut Core, now| Ok((core.auditing(&report)?, now));
        let (auditing, now) = self.read(asked).await?;
        self.aside(move || auditing.export(compartment.as_ref(), now))
            .await
    }

    /// Notes that somebody is about to be shown something, if any of it is private.
    ///
    /// # Errors
    /// When the node stops.
    pub async fn note_shown(&self, shown: Shown) -> Result<(), CommandError> {
        self.write(move |core, turn, reply| core.note_shown(turn.now, shown, reply))
            .await
    }

    /// Who was shown what is private, the oldest first.
    ///
    /// # Errors
    /// When the unit is not known, or the store cannot be read.
    pub async fn audit_reads(&self, query: ReadsQuery) -> Result<Vec<ReadView>, CommandError> {
        self.read(move |core, _| core.private_reads(&query)).await
    }

    /// What was refused, the last first.
    ///
    /// # Errors
    /// When the store cannot be written or read.
    pub async fn audit_refused(&self) -> Result<Vec<RefusedView>, CommandError> {
        self.write(|core, turn, reply| core.refused_list(turn.now, reply))
            .await
    }

    /// Notes that a parcel was refused.
    pub(crate) async fn parcel_refused(&self, peer: NodeId, reason: &'static str) {
        let noted = self.write(move |core, turn, reply: Reply<()>| {
            core.refused(turn, RefusedKind::Parcel, Some(peer), reason);
            reply(Ok(()));
        });
        // Where the node stops nobody asks.
        let _is_stopping = noted.await;
    }
}
