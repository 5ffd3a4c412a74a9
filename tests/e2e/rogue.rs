//! A peer that joined with a good ticket and then does what it likes, as `hopluu-rogue` lets it: what fails there has
//! failed the test.

use std::net::SocketAddr;
use std::sync::Arc;

use hopluu_doc::{DocKey, Edit, FigureKey, LifecycleEvent};
use hopluu_form::Form;
use hopluu_model::ActorId;
use hopluu_rogue::frames::Object;
use hopluu_rogue::{Change, Forger, LATE, RefusalCode};
use hopluu_tests::process::shipped_form;
use hopluu_trust::{Signer, Ticket};
use serde_json::json;

use crate::world::{Node, YEARS, rows};

/// A node that joined with a good ticket and then does what it likes.
pub(crate) struct Rogue {
    rogue: hopluu_rogue::Rogue,
    pub(crate) signer: Signer,
    to: SocketAddr,
}

impl Rogue {
    pub(crate) async fn join(node: &Node, unit: &str) -> Self {
        Self::join_as(node, &[unit]).await
    }

    /// Joins as whom the words of a ticket say.
    pub(crate) async fn join_as(node: &Node, whom: &[&str]) -> Self {
        let text = node.home.ticket(whom);
        let ticket = Ticket::decode(&text).expect("a good ticket");
        let to = ticket.addrs.first().and_then(|addr| addr.parse().ok());
        let rogue = hopluu_rogue::Rogue::join(&text)
            .await
            .expect("it is let in");
        Self {
            signer: rogue.signer.clone(),
            rogue,
            to: to.expect("the ticket names an address"),
        }
    }

    /// Certifies a fresh key for any unit, as a main node can that asks no tree.
    pub(crate) fn certifies(&self, unit: &str) -> (Signer, Vec<Vec<u8>>) {
        let unit = unit.parse().expect("a unit");
        self.rogue
            .certifies(&unit, None, LATE)
            .expect("it may issue")
    }

    /// A link, on which it has said something.
    pub(crate) async fn say(&self, bytes: Vec<u8>) -> Talk {
        let talk = self.rogue.say(self.to, bytes).await;
        Talk(talk.expect("the certificate is good"))
    }

    /// With how many refusals and whether linked the node shows it.
    pub(crate) fn as_seen_by(&self, node: &Node) -> (u64, bool) {
        let status = node.home.ask(&["status"]);
        let id = self.signer.node_id().to_string();
        let peer = rows(&status, "/peers")
            .iter()
            .find(|peer| peer["node"] == *id);
        peer.map_or((0, false), |peer| {
            let refused = peer["refused"].as_u64().expect("a number");
            (refused, peer["is_linked"] == json!(true))
        })
    }
}

/// A link to the node under test.
pub(crate) struct Talk(hopluu_rogue::Talk);

impl Talk {
    /// The number that the node closes with.
    pub(crate) async fn closed(self) -> u32 {
        let ended = self.0.closed().await;
        ended.expect("the node closes with a number").code
    }

    /// The next whole frame, packed or not.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        self.0.frame().await.expect("the node speaks")
    }

    /// Pushes one entry and says what became of it: none when it was merged.
    pub(crate) async fn offer(
        &mut self,
        object: Object,
        kind: u8,
        body: Vec<u8>,
    ) -> Option<RefusalCode> {
        let said = self.0.offer(object, kind, body).await;
        said.expect("the node answers a push")
    }
}

/// A unit's report of the annex with one figure, made from nothing, and how it travels.
pub(crate) struct Forged {
    pub(crate) key: DocKey,
    pub(crate) bytes: Vec<u8>,
    change: Change,
    next: Change,
}

impl Forged {
    pub(crate) fn of(unit: &str) -> Self {
        Self::within(unit, "")
    }

    /// The same in a compartment.
    pub(crate) fn within(unit: &str, compartment: &str) -> Self {
        Self::taking(unit, compartment, vec![LifecycleEvent::Opened])
    }

    /// With the steps that its author claims, one upon the other.
    pub(crate) fn taking(unit: &str, compartment: &str, steps: Vec<LifecycleEvent>) -> Self {
        let text = shipped_form("pcmd-review.toml").expect("the form ships");
        let form = Arc::new(Form::parse(&text).expect("it is sound"));
        let mut key = DocKey::report(
            unit.parse().expect("a unit"),
            form.id().clone(),
            form.version().major,
            YEARS.parse().expect("a period"),
        );
        key.compartment = compartment.parse().expect("a compartment");
        let forger = Forger::new(key.clone(), &form, ActorId([7; 8]));
        let mut forger = forger.expect("a report");
        let figure = |value: &str| Edit::SetFigure {
            key: FigureKey::whole("II.1.1.a".parse().expect("a code")),
            value: value.parse().expect("a value"),
        };
        let mut edits: Vec<_> = steps.into_iter().map(Edit::Event).collect();
        edits.push(figure("666"));
        let change = forger.save(&edits).expect("a save");
        let next = forger.save(&[figure("777")]).expect("a save");
        Self {
            key,
            bytes: change.bytes.clone(),
            change,
            next,
        }
    }

    /// The save after it.
    pub(crate) fn next(self) -> Self {
        Self {
            bytes: self.next.bytes.clone(),
            change: self.next.clone(),
            ..self
        }
    }

    pub(crate) fn name(&self) -> String {
        self.change.hash.to_string()
    }

    pub(crate) fn object(&self) -> Object {
        self.change.object()
    }

    /// With this signer's seal, for this document or, lying, for another.
    pub(crate) fn sealed(&self, signer: &Signer) -> Vec<u8> {
        self.sealed_for(signer, &self.key)
    }

    pub(crate) fn sealed_for(&self, signer: &Signer, key: &DocKey) -> Vec<u8> {
        let seal = self.change.seal(signer, key).expect("a seal");
        self.change.with_seal(&seal)
    }
}

/// What a caller with these credentials, or none, hears of a node.
pub(crate) async fn heard_by_caller(
    to: SocketAddr,
    credentials: Option<(Vec<Vec<u8>>, &Signer)>,
) -> Vec<u8> {
    let heard = hopluu_rogue::nobody::heard(to, credentials).await;
    heard.expect("the node closes the connection")
}
