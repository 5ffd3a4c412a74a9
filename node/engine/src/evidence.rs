//! What time it is at least, by what this node's superiors have signed, and what follows from it: certificates that
//! have ended open no link and no bundle.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_model::{Date, ErrorChain, NodeId, Timestamp};
use hopluu_store::{DbError, Read, WriteError, WriteTx};
use hopluu_trust::{Evidence, Identity, Month, Record, Word, read_certificate};

use crate::admit::Admitted;
use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::registry::Registry;
use crate::turn::{NetEffect, Reply, Turn};
use crate::view::{ClaimView, ClockRequest, ClockView, WordView};

/// Its name in the store.
const META_EVIDENCE: &str = "evidence";

/// Whose receipts are evidence, and what they have said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// Who stands above this node in its chain.
    above: Arc<BTreeSet<NodeId>>,
    evidence: Arc<Evidence>,
}

impl Heard {
    /// What the store of a node holds.
    pub(crate) fn of(chain: &[Vec<u8>], read: &Read) -> Result<Self, DbError> {
        let above = chain.iter().skip(1);
        let above = above.filter_map(|der| Some(read_certificate(der).ok()?.place.node));
        let mut evidence = evidence_of(read)?;
        let above: BTreeSet<NodeId> = above.collect();
        evidence.keep(|node| above.contains(node));
        Ok(Self {
            above: Arc::new(above),
            evidence: Arc::new(evidence),
        })
    }

    /// Somebody who may has dated a receipt: if it is somebody above, and news, it is kept with the receipt.
    pub(crate) fn receipt(
        &self,
        tx: &mut WriteTx<'_>,
        by: &NodeId,
        at: Timestamp,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        if !self.above.contains(by) || !self.evidence.is_new(by, at) {
            return Ok(());
        }
        let mut evidence = evidence_of(tx)?;
        evidence.keep(|node| self.above.contains(node));
        if evidence.claim(*by, at) {
            tx.set_meta(META_EVIDENCE, &evidence.encode())?;
            admitted.evidence = Some(evidence);
        }
        Ok(())
    }

    pub(crate) fn learn(&mut self, evidence: Evidence) {
        self.evidence = Arc::new(evidence);
    }

    /// The latest time there is evidence of.
    fn at(&self, registry: &Registry) -> Option<Timestamp> {
        let counts = |node: &NodeId| self.counts(node, registry);
        self.evidence.at(registry.time_word(), counts)
    }

    /// Whether somebody's claims count: of those above who are not revoked.
    fn counts(&self, node: &NodeId, registry: &Registry) -> bool {
        let is_barred = |line: &[Identity]| registry.bar(line).is_some();
        self.above.contains(node) && !registry.line(node).is_some_and(is_barred)
    }
}

fn evidence_of(read: &Read) -> Result<Evidence, DbError> {
    let Some(kept) = read.meta(META_EVIDENCE)? else {
        return Ok(Evidence::default());
    };
    Ok(Evidence::decode(&kept).unwrap_or_else(|error| {
        tracing::error!(error = %ErrorChain(&error), "the evidence of time is damaged and begins anew");
        Evidence::default()
    }))
}

/// Writes what a new node begins with.
pub(crate) fn begin(tx: &mut WriteTx<'_>, since: Timestamp) -> Result<(), DbError> {
    tx.set_meta(META_EVIDENCE, &Evidence::since(since).encode())
}

/// Whether a certificate of a line has ended by a time.
pub(crate) fn has_ended(line: &[Identity], at: Option<Timestamp>) -> bool {
    line.iter()
        .any(|identity| at.is_some_and(|at| at > identity.not_after))
}

impl Core {
    /// The latest time there is evidence of.
    pub(crate) fn evidence_at(&self) -> Option<Timestamp> {
        self.heard_time.at(self.registry())
    }

    /// The time by which others are judged. It never passes this node's own end: whoever is said to have outlived
    /// itself is dead or was lied to, and then those who certified it, who all end later, can still tell it.
    pub(crate) fn judged_at(&self) -> Option<Timestamp> {
        let at = self.evidence_at()?;
        Some(at.min(self.config().certificate_ends))
    }

    /// The time by which this node dates what must not end too early: its clock may have stopped.
    pub(crate) fn not_before(&self, now: Timestamp) -> Timestamp {
        now.max(self.judged_at().unwrap_or(now))
    }

    /// Something came that may say what time it is.
    pub(crate) fn look_at_time(&mut self, turn: &mut Turn) {
        let judged = self.judged_at();
        if judged != self.judged {
            self.judged = judged;
            turn.net.extend(judged.map(|at| NetEffect::Judge { at }));
            self.renew_linked(turn);
        }
    }

    /// What time it is here, and by whose word.
    #[must_use]
    pub fn clock_show(&self, now: Timestamp) -> ClockView {
        let registry = self.registry();
        let (root, heard) = (registry.time_word(), &self.heard_time);
        let word = heard.evidence.word(root);
        let claim = |(node, month): (NodeId, Month)| ClaimView {
            unit: self.unit_of(&node),
            counts: heard.counts(&node, registry),
            at: month.begins(),
            node,
        };
        ClockView {
            clock: now,
            evidence: self.evidence_at(),
            judged: self.judged_at(),
            word: word.map(|word| WordView {
                at: word.at,
                before: word.before.map(Month::begins),
                is_root: Some(word) == root,
            }),
            claims: heard.evidence.claims(word).map(claim).collect(),
        }
    }

    /// Says what time it is: the root to everybody, another node's administrator to that node.
    pub fn clock_set(&mut self, turn: &mut Turn, request: &ClockRequest, reply: Reply<ClockView>) {
        let word = match self.make_word(turn.now, request) {
            Ok(word) => word,
            Err(error) => return reply(Err(error)),
        };
        if self.config().chain.len() > 1 {
            return self.say_here(word, reply);
        }
        match word.sign(self.signer(), self.me().unit.clone()) {
            Ok(record) => self.say_to_all(turn.now, record, reply),
            Err(error) => reply(Err(CommandError::Refused {
                what: "the time",
                detail: ErrorChain(&error).to_string(),
            })),
        }
    }

    fn say_here(&mut self, word: Word, reply: Reply<ClockView>) {
        self.submit(
            move |tx| -> Result<Evidence, DbError> {
                let mut evidence = evidence_of(tx)?;
                evidence.say(word);
                tx.set_meta(META_EVIDENCE, &evidence.encode())?;
                Ok(evidence)
            },
            move |core, turn, result: Result<_, WriteError<DbError>>| {
                reply(match result {
                    Ok(evidence) => {
                        core.heard_time.learn(evidence);
                        core.look_at_time(turn);
                        Ok(core.clock_show(turn.now))
                    }
                    Err(error) => Err(core.write_failed(turn, error)),
                });
            },
        );
    }

    fn say_to_all(&mut self, now: Timestamp, record: Record, reply: Reply<ClockView>) {
        let admission = self.admission(None, now);
        self.submit(
            move |tx| admission.own(tx, &[record]),
            move |core, turn, result: Result<_, WriteError<DbError>>| {
                reply(match result {
                    Ok(admitted) => {
                        core.let_in(turn, admitted, None);
                        Ok(core.clock_show(turn.now))
                    }
                    Err(error) => Err(core.write_failed(turn, error)),
                });
            },
        );
    }

    fn make_word(&self, now: Timestamp, request: &ClockRequest) -> Result<Word, CommandError> {
        let at = request.at.map_or(now, clock::begin_of);
        let at = Some(at).filter(|at| *at >= clock::FIRST_RELEASE);
        let at = at.ok_or(CommandError::TimeOutside)?;
        let month = Month::of(at).ok_or(CommandError::TimeOutside)?;
        let before = match request.before.map(clock::begin_of) {
            Some(before) => Some(Month::of(before).ok_or(CommandError::TimeOutside)?),
            None => self.first_wrong(at)?,
        };
        if before.is_some_and(|before| before <= month) {
            return Err(CommandError::WrongBefore {
                at: clock::day(at),
                before: request.before.unwrap_or(Date::MAX),
            });
        }
        let is_root = self.config().chain.len() == 1;
        let last = self.registry().time_word().map_or(0, |word| word.turn);
        Ok(Word {
            turn: last.saturating_add(u32::from(is_root)),
            at,
            before,
        })
    }

    /// The first month beyond a time that others have dated receipts in: they were wrong.
    fn first_wrong(&self, at: Timestamp) -> Result<Option<Month>, CommandError> {
        let kept = self.heard_time.evidence.first_beyond(at);
        if self.config().chain.len() > 1 {
            return Ok(kept);
        }
        // Nobody stands above the root; it has seen what its district dated.
        let (read, mut docs) = (self.read()?, Vec::new());
        let mut others = Evidence::default();
        read.for_each_doc(|row| docs.push(row.doc))
            .map_err(CommandError::Store)?;
        for doc in docs {
            for receipt in read.receipts(doc).map_err(CommandError::Store)? {
                if receipt.by != self.me().unit {
                    others.claim(self.me().node, receipt.at);
                }
            }
        }
        Ok(others.first_beyond(at))
    }
}

#[cfg(test)]
mod tests;
