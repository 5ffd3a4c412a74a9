//! Who may write what, and what somebody wrote who may not.

use super::Handle;
use crate::error::CommandError;
use crate::view::{
    ClockRequest, ClockView, GrantRequest, GrantView, ParkedView, RevocationView, RevokeRequest,
    Saved, VoidQuery, VoidView,
};

impl Handle {
    /// What time it is here, and by whose word.
    ///
    /// # Errors
    /// When the node is stopping.
    pub async fn clock_show(&self) -> Result<ClockView, CommandError> {
        self.read(|core, now| Ok(core.clock_show(now))).await
    }

    /// Says what time it is: the root to everybody, another node's administrator to that node.
    ///
    /// # Errors
    /// When the days do not fit together.
    pub async fn clock_set(&self, clock: ClockRequest) -> Result<ClockView, CommandError> {
        self.write(move |core, turn, reply| core.clock_set(turn, &clock, reply))
            .await
    }

    /// Every grant that is known here.
    ///
    /// # Errors
    /// When the node is stopping.
    pub async fn grant_list(&self) -> Result<Vec<GrantView>, CommandError> {
        self.read(|core, now| Ok(core.grant_list(now))).await
    }

    /// Gives an office rights in the reports of a unit.
    ///
    /// # Errors
    /// When the unit is not below, a name is unknown, or this node gives nothing.
    pub async fn grant_give(&self, grant: GrantRequest) -> Result<GrantView, CommandError> {
        self.write(move |core, turn, reply| core.grant_give(turn, &grant, reply))
            .await
    }

    /// What holds no longer.
    ///
    /// # Errors
    /// When the node is stopping.
    pub async fn revocation_list(&self) -> Result<Vec<RevocationView>, CommandError> {
        self.read(|core, _| Ok(core.revocation_list())).await
    }

    /// Takes a node, an account or a grant back: what is here of it stands, what comes is void.
    ///
    /// # Errors
    /// When nobody has the name, or it is not this node's to take back.
    pub async fn revoke(&self, revoke: RevokeRequest) -> Result<RevocationView, CommandError> {
        self.write(move |core, turn, reply| core.revoke(turn, &revoke, reply))
            .await
    }

    /// The changes of which something counts nowhere.
    ///
    /// # Errors
    /// When a document cannot be read.
    pub async fn void_list(&self, query: VoidQuery) -> Result<Vec<VoidView>, CommandError> {
        self.read(move |core, _| core.void_list(&query)).await
    }

    /// Writes what is void of a change in this node's own name.
    ///
    /// # Errors
    /// When there is no such change, or this node may not write it either.
    pub async fn void_adopt(&self, change: String) -> Result<Saved, CommandError> {
        self.write(move |core, turn, reply| core.void_answer(turn, &change, true, reply))
            .await
    }

    /// Says that what is void of a change stays void.
    ///
    /// # Errors
    /// When there is no such change, or this node may not say so.
    pub async fn void_dismiss(&self, change: String) -> Result<Saved, CommandError> {
        self.write(move |core, turn, reply| core.void_answer(turn, &change, false, reply))
            .await
    }

    /// Everything that waits for something before it can come in.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn parked_list(&self) -> Result<Vec<ParkedView>, CommandError> {
        self.read(|core, now| core.parked_list(now)).await
    }

    /// Gives up something that waits.
    ///
    /// # Errors
    /// When nothing, or several, have that name.
    pub async fn parked_drop(&self, name: String) -> Result<(), CommandError> {
        self.write(move |core, _, reply| core.parked_drop(&name, reply))
            .await
    }
}
