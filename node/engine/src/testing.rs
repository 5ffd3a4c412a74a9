//! A small province for tests of what a node takes: keys, certificates, and stores without a thread.

pub(crate) mod alone;

use std::sync::Arc;

use hopluu_doc::{DocKey, Edit, FigureKey, Member, Report, SaveContext, SavedChange};
use hopluu_form::Form;
use hopluu_model::tree::{Level, TreeEvent, UnitTree};
use hopluu_model::{
    ActorId, Digest, EntryKind, NodeId, ObjectId, Place, RecordHash, Timestamp, UnitId,
};
use hopluu_net::key::{self, Subject};
use hopluu_store::{Medium, OpenOptions, Store};
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::{
    Receipt, Record, RecordKind, Seal, Signer, encode_chain, fingerprint, verify_chain,
};

use crate::admit::{Admission, Admitted, Giver, Left};
use crate::evidence::Heard;
use crate::registry::{Registry, Working, form_body, tree_body};

pub(crate) const PROVINCE: &str = "45@2000-01-01";
pub(crate) const DISTRICT: &str = "465@2000-01-01";
pub(crate) const OTHER_DISTRICT: &str = "466@2000-01-01";
pub(crate) const COMMUNE: &str = "19429@2000-01-01";
pub(crate) const NEIGHBOUR: &str = "19432@2000-01-01";

pub(crate) const NOW: Timestamp = Timestamp(1_600_000_000_000);

pub(crate) const FORM: &str = include_str!("../../../config/forms/pcmd-review.toml");

pub(crate) fn unit(text: &str) -> UnitId {
    text.parse().expect("a unit")
}

pub(crate) fn began(id: &str, level: &str, parent: Option<&str>) -> TreeEvent {
    TreeEvent::Began {
        unit: unit(id),
        name: format!("Đơn vị {id}").replace('@', " "),
        level: level.to_owned(),
        kind: level.to_owned(),
        parent: parent.map(unit),
    }
}

/// A province of two districts, one of which has two communes.
pub(crate) fn tree() -> UnitTree {
    let level = |id: &str| Level {
        id: id.to_owned(),
        vi: format!("cấp {id}"),
        en: id.to_owned(),
    };
    let levels = ["province", "district", "commune"].map(level).to_vec();
    let mut tree = UnitTree::new(levels, Vec::new()).expect("no unit breaks no rule");
    let units = [
        began(PROVINCE, "province", None),
        began(DISTRICT, "district", Some(PROVINCE)),
        began(OTHER_DISTRICT, "district", Some(PROVINCE)),
        began(COMMUNE, "commune", Some(DISTRICT)),
        began(NEIGHBOUR, "commune", Some(DISTRICT)),
    ];
    tree.apply_all(&units).expect("a small tree");
    assert!(tree.void_events().is_empty(), "{:?}", tree.void_events());
    UnitTree::decode(&tree.encode()).expect("its own text")
}

/// Somebody with a key and a certificate.
#[derive(Debug, Clone)]
pub(crate) struct Someone {
    pub(crate) signer: Signer,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) place: Place,
}

impl Someone {
    pub(crate) fn root() -> Self {
        let signer = Signer::from_seed(&[1; 32]);
        let ends = Timestamp(4_000_000_000_000);
        let der = key::write_root(&signer, &unit(PROVINCE), ends).expect("a root");
        Self::of(signer, vec![der])
    }

    fn of(signer: Signer, chain: Vec<Vec<u8>>) -> Self {
        let root = fingerprint(chain.last().expect("a chain"));
        let place = verify_chain(&chain, &root, None).expect("a chain").place;
        Self {
            signer,
            chain,
            place,
        }
    }

    /// Issues a certificate, asking no tree.
    pub(crate) fn enrols(&self, seed: u8, at: &str, office: Option<&str>) -> Self {
        let signer = Signer::from_seed(&[seed; 32]);
        let subject = Subject {
            node: signer.node_id(),
            unit: unit(at),
            office: office.map(|office| office.parse().expect("an office")),
            not_after: Timestamp(3_000_000_000_000),
        };
        let chain = key::issue(&self.signer, &self.chain, &subject).expect("it may issue");
        Self::of(signer, chain)
    }

    pub(crate) fn node(&self) -> NodeId {
        self.place.node
    }

    pub(crate) fn root_digest(&self) -> Digest {
        fingerprint(self.chain.last().expect("a chain"))
    }

    pub(crate) fn record(&self, kind: RecordKind, about: &str, body: Vec<u8>) -> Record {
        Record::sign(&self.signer, kind, unit(about), body).expect("a small record")
    }

    /// The record that tells others of somebody's certificate.
    pub(crate) fn certifies(&self, other: &Self) -> Record {
        let body = encode_chain(&other.chain).expect("a chain");
        let about = other.place.unit.to_string();
        self.record(RecordKind::Certificate, &about, body)
    }

    pub(crate) fn tree(&self) -> Record {
        self.record(RecordKind::Tree, PROVINCE, tree_body(&tree()))
    }

    pub(crate) fn form(&self) -> Record {
        let about = self.place.unit.to_string();
        self.record(RecordKind::Form, &about, form_body(FORM, Vec::new()))
    }

    pub(crate) fn event(&self, about: &str, event: &TreeEvent) -> Record {
        self.record(RecordKind::TreeEvent, about, event.encode())
    }

    pub(crate) fn receipt(&self, receipt: &Receipt, about: &str) -> Record {
        receipt
            .sign(&self.signer, unit(about))
            .expect("a small receipt")
    }
}

pub(crate) fn form() -> Arc<Form> {
    Arc::new(Form::parse(FORM).expect("it ships"))
}

pub(crate) fn key_of(about: &str) -> DocKey {
    let form = form();
    let period = "2016-2020".parse().expect("a period");
    DocKey::report(unit(about), form.id().clone(), form.version().major, period)
}

/// A document somebody writes in.
pub(crate) struct Paper {
    pub(crate) key: DocKey,
    pub(crate) report: Report,
}

impl Paper {
    pub(crate) fn of(about: &str) -> Self {
        let key = key_of(about);
        let report = Report::create(key.clone(), &form()).expect("a report");
        Self { key, report }
    }

    /// One save of one figure.
    pub(crate) fn save(&mut self, actor: ActorId, code: &str, value: &str) -> SavedChange {
        let figure = Edit::SetFigure {
            key: FigureKey::whole(code.parse().expect("a code")),
            value: value.parse().expect("a value"),
        };
        self.edit(actor, &[figure])
    }

    pub(crate) fn edit(&mut self, actor: ActorId, edits: &[Edit]) -> SavedChange {
        let context = SaveContext {
            actor,
            at: NOW,
            office: None,
            message: String::new(),
        };
        let saved = self.report.save(&context, edits).expect("a save");
        saved.expect("something is new")
    }

    /// A change as it travels, sealed by somebody.
    pub(crate) fn sealed(&self, by: &Someone, saved: &SavedChange) -> Incoming {
        let actors = vec![saved.scanned.actor];
        let seal = Seal::sign(&by.signer, self.key.id(), actors, saved.hash, String::new());
        let seal = seal.expect("a seal").to_wire();
        self.travelling(&seal, &saved.bytes)
    }

    pub(crate) fn travelling(&self, seal: &[u8], change: &[u8]) -> Incoming {
        Incoming {
            object: self.key.id().into(),
            kind: EntryKind::Change,
            descriptor: self.key.encode(),
            body: Member { seal, change }.raw(),
        }
    }
}

/// A record as it travels.
pub(crate) fn sent(record: &Record) -> Incoming {
    let kind = if record.kind == RecordKind::Receipt {
        EntryKind::Receipt
    } else {
        EntryKind::Record
    };
    Incoming {
        object: ObjectId::from(record.hash()),
        kind,
        descriptor: Vec::new(),
        body: record.encode(),
    }
}

/// A node that takes pushes.
pub(crate) struct Receiver {
    pub(crate) me: Someone,
    pub(crate) store: Store,
    working: Arc<Working>,
}

impl Receiver {
    /// A node that knows its own line and nothing else.
    pub(crate) fn new(me: &Someone) -> Self {
        let options = OpenOptions::create(hopluu_model::Epoch([7; 16]));
        let store = Store::open_manual(&Medium::Memory, &options).expect("memory has room");
        let mut blank = Registry::new(me.root_digest());
        blank.learn_line(&me.chain);
        let registry = Arc::new(blank.clone());
        Self {
            me: me.clone(),
            store,
            working: Arc::new(Working::new(blank, &registry)),
        }
    }

    /// What superiors have said of the time.
    pub(crate) fn heard_time(&self) -> Heard {
        let read = self.store.read().expect("a reader");
        Heard::of(&self.me.chain, &read).expect("a row")
    }

    pub(crate) fn admission(&self, from: &Someone, now: Timestamp) -> Admission {
        Admission {
            working: Arc::clone(&self.working),
            beginnings: Arc::default(),
            giver: Giver {
                signer: Arc::new(self.me.signer.clone()),
                me: self.me.place.clone(),
            },
            heard: self.heard_time(),
            from: Some(from.node()),
            origin: Some(from.node()),
            now,
        }
    }

    /// Takes a push of somebody and says what became of it.
    pub(crate) fn hears(&self, from: &Someone, entries: Vec<Incoming>) -> Admitted {
        let admission = self.admission(from, NOW);
        let pushed = self.store.write(move |tx| admission.push(tx, &entries));
        pushed.expect("a push does not fail")
    }

    /// Goes on with what has waited.
    pub(crate) fn goes_on(&self, left: Left) -> Admitted {
        let admission = Admission {
            from: None,
            ..self.admission(&self.me, NOW)
        };
        let again = self.store.write(move |tx| admission.go_on(tx, left));
        again.expect("it does not fail")
    }

    /// Judges anew what is to be.
    pub(crate) fn judges(&self) {
        let mut is_more = true;
        while is_more {
            let admission = self.admission(&self.me, NOW);
            let judged = self.store.write(move |tx| admission.judge_some(tx));
            is_more = judged.expect("judging does not fail").is_more;
        }
    }

    /// Writes a record of its own.
    pub(crate) fn decides(&self, record: Record) -> Admitted {
        let admission = Admission {
            from: None,
            ..self.admission(&self.me, NOW)
        };
        let own = self.store.write(move |tx| admission.own(tx, &[record]));
        own.expect("a decision does not fail")
    }

    pub(crate) fn registry(&self) -> Registry {
        let read = self.store.read().expect("a reader");
        self.working.begin(&read).expect("records are readable")
    }

    pub(crate) fn knows(&self, other: &Someone) -> bool {
        self.registry().identity(&other.node()).is_some()
    }

    /// The code that one entry is refused with; none when it is taken.
    pub(crate) fn says(&self, from: &Someone, entry: Incoming) -> Option<RefusalCode> {
        let admitted = self.hears(from, vec![entry]);
        admitted.refused.first().map(|refusal| refusal.code)
    }

    pub(crate) fn holds(&self, record: RecordHash) -> bool {
        let read = self.store.read().expect("a reader");
        read.record(record).expect("a row").is_some()
    }
}
