//! Certificates that are about to end are issued anew by whoever issued them, for the same key and place.
//!
//! Nobody asks: whoever links shows its certificate and proves its key, which is all that a request could say. The new
//! certificate travels as every other does, a record, so over any link, stick or neighbour, and again where it was lost.

use hopluu_model::{ErrorChain, NodeId, Timestamp};
use hopluu_net::key::{self, Subject};
use hopluu_store::{DbError, WriteError};
use hopluu_trust::{Identity, Record, RecordKind, encode_chain, read_certificate};

use crate::core::Core;
use crate::limits::{CERTIFICATE_YEARS, RENEW_AHEAD_MS, RENEW_LEAST_MS};
use crate::setup::META_CHAIN;
use crate::turn::{NetEffect, Turn};

const MS_PER_YEAR: i64 = 365 * 24 * 3_600_000;

impl Core {
    /// Until when a certificate holds that is issued now. Nobody who is issued one outlives its issuer's own.
    pub(crate) fn certificate_until(&self, now: Timestamp) -> Timestamp {
        let years = CERTIFICATE_YEARS.saturating_mul(MS_PER_YEAR);
        let until = Timestamp(self.not_before(now).0.saturating_add(years));
        until.min(self.config().certificate_ends)
    }

    /// Renews what everybody has who is linked and whose certificate is about to end.
    pub(crate) fn renew_linked(&mut self, turn: &Turn) {
        let linked: Vec<NodeId> = self.linked.values().copied().collect();
        for node in linked {
            self.renew(turn, node);
        }
    }

    /// Issues a new certificate to a node that has proved its key on a link, if this node, or one in whose place it is,
    /// issued the one it has, that is about to end, and a new one would hold for longer. Whoever was revoked, or whose unit lies elsewhere by now,
    /// gets none.
    pub(crate) fn renew(&mut self, turn: &Turn, node: NodeId) {
        let Some(record) = self.renewed(turn.now, &node) else {
            return;
        };
        self.renewing.insert(node);
        let admission = self.admission(None, turn.now);
        self.submit(
            move |tx| admission.own(tx, &[record]),
            move |core, turn, result: Result<_, WriteError<DbError>>| {
                core.renewing.remove(&node);
                match result {
                    Ok(admitted) => core.let_in(turn, admitted, None),
                    // The next link brings it up again.
                    Err(error) => {
                        core.write_failed(turn, error);
                    }
                }
            },
        );
    }

    fn renewed(&self, now: Timestamp, node: &NodeId) -> Option<Record> {
        let registry = self.registry();
        let line = registry.line(node)?;
        let identity = line.first()?;
        let until = self.certificate_until(now);
        let is_due = identity.not_after.ms_since(self.not_before(now)) < RENEW_AHEAD_MS
            && until.ms_since(identity.not_after) >= RENEW_LEAST_MS;
        let is_ours = registry.is_right_above(&self.me().node, node);
        if !is_due || !is_ours || self.renewing.contains(node) || registry.bar(line).is_some() {
            return None;
        }
        let place = &identity.place;
        let subject = Subject {
            node: place.node,
            unit: place.unit.clone(),
            office: place.office.clone(),
            not_after: until,
        };
        let issued = key::issue(self.signer(), &self.config().chain, &subject);
        let chain = issued
            .inspect_err(|error| {
                tracing::error!(error = %ErrorChain(error), "a certificate is not renewed");
            })
            .ok()?;
        tracing::info!(node = %node.short(), %until, "certificate renewed");
        let body = encode_chain(&chain).ok()?;
        Record::sign(
            self.signer(),
            RecordKind::Certificate,
            place.unit.clone(),
            body,
        )
        .ok()
    }

    /// Shows a newer certificate of this node's own from now on, if its issuer has given it one.
    pub(crate) fn adopt_renewed(&mut self, _turn: &mut Turn) {
        let Some((identity, chain)) = self.newer_own() else {
            return;
        };
        let Ok(body) = encode_chain(&chain) else {
            return;
        };
        self.submit(
            move |tx| tx.set_meta(META_CHAIN, &body),
            move |core, turn, result: Result<(), WriteError<DbError>>| match result {
                Ok(()) => {
                    tracing::info!(ends = %identity.not_after, "this node's certificate was renewed");
                    core.presents(chain, identity.not_after);
                    turn.net.push(NetEffect::Present);
                    core.look_at_time(turn);
                    // What it certified ended with its own.
                    core.renew_linked(turn);
                }
                // It is in the store, and looked for at the next start.
                Err(error) => {
                    core.write_failed(turn, error);
                }
            },
        );
    }

    /// A chain of this node's key that holds for longer: for the same place, by the same issuer or one in its place.
    fn newer_own(&self) -> Option<(Identity, Vec<Vec<u8>>)> {
        let (registry, me) = (self.registry(), self.me());
        let line = registry.line(&me.node)?;
        let (identity, issuer) = (line.first()?, line.get(1)?);
        let is_newer = identity.not_after > self.config().certificate_ends;
        let before = self.config().chain.get(1)?;
        let before = read_certificate(before).ok()?.place;
        let by = &issuer.place;
        let is_same = identity.place == *me
            && (&by.unit, &by.office) == (&before.unit, &before.office)
            && registry.bar(line).is_none();
        let chain = registry.chain(&me.node)?.to_vec();
        (is_newer && is_same).then(|| (identity.clone(), chain))
    }
}
