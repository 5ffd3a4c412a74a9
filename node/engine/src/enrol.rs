//! Letting new nodes in: a ticket is issued, carried over by hand, and exchanged once for a certificate.

use std::collections::BTreeSet;

use hopluu_model::{Digest, ErrorChain, NodeId, OfficeId, Timestamp, UnitId};
use hopluu_net::key::{self, Subject};
use hopluu_store::{DbError, TicketUse, WriteError};
use hopluu_trust::{
    Grant, JoinRefusal, JoinReply, JoinRequest, Record, RecordKind, Ticket, TicketId, TicketIssue,
    TicketSecret, encode_chain,
};

use crate::admit::Admitted;
use crate::audit::RefusedKind;
use crate::core::Core;
use crate::error::CommandError;
use crate::handle::InviteRequest;
use crate::limits::TICKET_HOURS_MAX;
use crate::turn::{Reply, Turn};
use crate::view::{InviteView, WatchEvent};

/// Where the answer to a joiner goes.
pub type JoinAnswer = Box<dyn FnOnce(Vec<u8>) + Send>;

const MS_PER_HOUR: u64 = 3_600_000;

impl Core {
    /// Issues a ticket for a new node below or beside this one.
    pub fn invite(&mut self, turn: &mut Turn, request: &InviteRequest, reply: Reply<InviteView>) {
        let (ticket, view) = match self.make_ticket(turn.now, request) {
            Ok(made) => made,
            Err(error) => return reply(Err(error)),
        };
        let (name, body) = (ticket_name(&ticket.secret.id()), ticket.issue().encode());
        self.submit(
            move |tx| tx.put_ticket(name, &body, ticket.expires),
            move |core, turn, result: Result<(), WriteError<DbError>>| {
                reply(
                    result
                        .map(|()| view)
                        .map_err(|error| core.write_failed(turn, error)),
                );
            },
        );
    }

    fn make_ticket(
        &mut self,
        now: Timestamp,
        request: &InviteRequest,
    ) -> Result<(Ticket, InviteView), CommandError> {
        if self.me().office.is_some() {
            return Err(CommandError::MayNotIssue {
                what: "an office invites nobody",
            });
        }
        if !(1..=TICKET_HOURS_MAX).contains(&request.hours) {
            return Err(CommandError::TicketHours {
                hours: request.hours,
                most: TICKET_HOURS_MAX,
            });
        }
        if let Some(text) = request.addresses.iter().find(|text| !is_address(text)) {
            return Err(CommandError::BadAddress { text: text.clone() });
        }
        let (unit, office) = self.invited(now, request)?;
        let mut addrs = request.addresses.clone();
        if addrs.is_empty() {
            addrs.extend(self.reached_at.clone());
        }
        if addrs.is_empty() {
            return Err(CommandError::NoAddress);
        }
        let expires = now.plus_ms(u64::from(request.hours) * MS_PER_HOUR);
        let ticket = Ticket {
            addrs,
            root: self.config().root,
            issuer: self.me().node,
            secret: TicketSecret(self.secret()),
            unit: unit.clone(),
            office: office.clone(),
            expires,
        };
        let text = ticket.encode().map_err(|error| CommandError::Refused {
            what: "the invitation",
            detail: error.to_string(),
        })?;
        Ok((
            ticket,
            InviteView {
                ticket: text,
                unit,
                office,
                expires,
            },
        ))
    }

    fn invited(
        &self,
        now: Timestamp,
        request: &InviteRequest,
    ) -> Result<(UnitId, Option<OfficeId>), CommandError> {
        let unit = self.unit(request.unit.as_deref(), crate::clock::day(now))?;
        let own = &self.me().unit;
        if unit != *own && !self.tree().is_at_or_below(&unit, own) {
            return Err(CommandError::NotBelow {
                own: own.clone(),
                unit,
            });
        }
        let office = request.office.as_deref();
        let office = office.map(|text| self.known_office(text)).transpose()?;
        if unit == *own && office.is_none() {
            return Err(CommandError::OneMainNode { unit });
        }
        Ok((unit, office))
    }

    /// An office that some form knows here.
    pub(crate) fn known_office(&self, text: &str) -> Result<OfficeId, CommandError> {
        let registry = self.registry();
        let forms = registry.forms(&self.me().unit).into_iter();
        let known = forms.flat_map(|known| known.form.offices().keys());
        let known: BTreeSet<&OfficeId> = known.collect();
        let found = text.parse().ok().filter(|id| known.contains(id));
        found.ok_or_else(|| CommandError::UnknownOffice {
            office: text.to_owned(),
            known: known.iter().map(ToString::to_string).collect(),
        })
    }

    /// Answers a joiner. The use of the ticket and the new certificate are one transaction, and on
    /// disk before the answer leaves.
    pub fn join(&mut self, turn: &mut Turn, request: &[u8], answer: JoinAnswer) {
        match self.judge_join(turn.now, request) {
            Ok((request, issue)) => self.grant(turn, request, issue, answer),
            Err(refusal) => {
                self.join_refused(turn, refusal);
                answer(JoinReply::refuse(refusal));
            }
        }
    }

    /// Notes why somebody was not let in: nothing proves who it was.
    fn join_refused(&mut self, turn: &Turn, refusal: JoinRefusal) {
        let reason = match refusal {
            JoinRefusal::UnknownTicket => "unknown-ticket",
            JoinRefusal::Expired => "expired",
            JoinRefusal::Used => "used",
            JoinRefusal::WrongProof => "wrong-proof",
            JoinRefusal::Malformed => "malformed",
            JoinRefusal::NotAllowed => "not-allowed",
            JoinRefusal::Busy | JoinRefusal::Unknown(_) => return,
        };
        self.refused(turn, RefusedKind::Join, None, reason);
    }

    fn judge_join(
        &self,
        now: Timestamp,
        bytes: &[u8],
    ) -> Result<(JoinRequest, TicketIssue), JoinRefusal> {
        let request = JoinRequest::decode(bytes).map_err(|_| JoinRefusal::Malformed)?;
        let row = self
            .store()
            .read()
            .and_then(|read| read.ticket(ticket_name(&request.ticket)));
        let row = row
            .map_err(|_| JoinRefusal::Busy)?
            .ok_or(JoinRefusal::UnknownTicket)?;
        let issue = TicketIssue::decode(&row.body).map_err(|_| JoinRefusal::UnknownTicket)?;
        request.verify(&issue, &self.me().node, Some(now))?;
        if row.used.is_some_and(|(node, _)| node != request.node) {
            return Err(JoinRefusal::Used);
        }
        Ok((request, issue))
    }

    fn grant(
        &mut self,
        turn: &mut Turn,
        request: JoinRequest,
        issue: TicketIssue,
        answer: JoinAnswer,
    ) {
        let chain = match self.chain_for(turn.now, request.node, &issue) {
            Ok(chain) => chain,
            Err(detail) => {
                tracing::error!(detail = %detail, "certificate could not be issued");
                return answer(JoinReply::refuse(JoinRefusal::Busy));
            }
        };
        let body = encode_chain(&chain).expect("a chain one longer than ours is checked by issue");
        let record = Record::sign(
            self.signer(),
            RecordKind::Certificate,
            issue.unit.clone(),
            body,
        )
        .expect("a chain is far below a record's bound");
        let mut records = vec![record];
        records.extend(self.first_grant(&issue));
        let (node, now, name) = (request.node, turn.now, ticket_name(&request.ticket));
        let admission = self.admission(None, now);
        self.submit(
            move |tx| -> Result<_, DbError> {
                let used = tx.use_ticket(name, node, now)?;
                let admitted = match used {
                    TicketUse::Accepted | TicketUse::Again => admission.own(tx, &records)?,
                    TicketUse::Taken(..) | TicketUse::Unknown => Admitted::default(),
                };
                Ok((used, admitted))
            },
            move |core, turn, result| {
                let reply = match result {
                    Ok((TicketUse::Accepted | TicketUse::Again, admitted)) => {
                        core.let_in(turn, admitted, None);
                        JoinReply::Granted(chain)
                            .encode(&request, &issue)
                            .unwrap_or_else(|error| {
                                tracing::error!(error = %ErrorChain(&error), "join reply is over its bound");
                                JoinReply::refuse(JoinRefusal::Busy)
                            })
                    }
                    Ok((TicketUse::Taken(..), _)) => {
                        core.join_refused(turn, JoinRefusal::Used);
                        JoinReply::refuse(JoinRefusal::Used)
                    }
                    Ok((TicketUse::Unknown, _)) => {
                        core.join_refused(turn, JoinRefusal::UnknownTicket);
                        JoinReply::refuse(JoinRefusal::UnknownTicket)
                    }
                    Err(error) => {
                        core.write_failed(turn, error);
                        JoinReply::refuse(JoinRefusal::Busy)
                    }
                };
                answer(reply);
            },
        );
    }

    /// What a new office may write, unless somebody has said so before.
    fn first_grant(&self, issue: &TicketIssue) -> Option<Record> {
        let office = issue.office.as_ref()?;
        let given = self.registry().grants();
        let mut given = given.iter().map(|(given, _)| &given.body);
        if given.any(|grant| (&grant.holder, &grant.office) == (&issue.unit, office)) {
            return None;
        }
        let grant = Grant::of_office(issue.unit.clone(), office.clone());
        grant.sign(self.signer(), issue.unit.clone()).ok()
    }

    /// The chain for a joiner: a new certificate before our own chain, or the one it was given when
    /// it asked before and the answer was lost.
    fn chain_for(
        &self,
        now: Timestamp,
        node: NodeId,
        issue: &TicketIssue,
    ) -> Result<Vec<Vec<u8>>, String> {
        if let Some(chain) = self.registry().chain(&node) {
            return Ok(chain.to_vec());
        }
        let subject = Subject {
            node,
            unit: issue.unit.clone(),
            office: issue.office.clone(),
            not_after: self.certificate_until(now),
        };
        key::issue(self.signer(), &self.config().chain, &subject).map_err(|error| error.to_string())
    }

    pub(crate) fn record_event(&self, kind: RecordKind, unit: &UnitId) -> WatchEvent {
        let kind = match kind {
            RecordKind::Certificate => "certificate",
            RecordKind::Form => "form",
            RecordKind::Tree => "tree",
            RecordKind::TreeEvent => "tree event",
            RecordKind::Receipt => "receipt",
            RecordKind::Grant => "grant",
            RecordKind::Revocation => "revocation",
            RecordKind::Statement => "statement",
            RecordKind::Time => "time",
            RecordKind::Unknown(_) => "unknown",
        };
        WatchEvent::RecordArrived {
            kind: kind.to_owned(),
            unit: unit.clone(),
        }
    }
}

/// Whether a text names a host, by name or number, and a port that can be called.
pub(crate) fn is_address(text: &str) -> bool {
    // A node behind a web server: what follows is the server's affair.
    let web = text.strip_prefix("wss://");
    if let Some(rest) = web.or_else(|| text.strip_prefix("ws://")) {
        let has_host = !rest.is_empty() && !rest.starts_with(['/', ':']);
        return has_host && rest.chars().all(|letter| letter.is_ascii_graphic());
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    // The colons of an IPv6 address would be taken for the one before the port.
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    let is_host = is_bracketed || (!host.is_empty() && host.chars().all(is_plain));
    is_host && port.parse::<u16>().is_ok_and(|port| port != 0)
}

/// Tickets are kept under a digest of their name, so that the table tells nothing that helps to join.
fn ticket_name(ticket: &TicketId) -> Digest {
    Digest(*blake3::hash(&ticket.0).as_bytes())
}
