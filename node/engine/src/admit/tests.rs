//! Admission over a real store, without a network.

use hopluu_doc::{Edit, FigureKey, Report, SaveContext};
use hopluu_model::{Epoch, ObjectId, Scalar, Seq, UnitId, UnitTree};
use hopluu_net::key::write_root;
use hopluu_store::limits::PARKED_ROWS_PER_PEER_MAX;
use hopluu_store::{Medium, OpenOptions, PeerCheckpoint, Store};
use hopluu_sync::Acked;
use hopluu_trust::fingerprint;

use super::*;
use crate::root_records;

const ANNEX: &str = include_str!("../../../../config/forms/pcmd-review.toml");
const PEER: NodeId = NodeId([7; 32]);

/// A district's node that knows nobody but itself, and no form yet.
struct Newcomer {
    store: Store,
    registry: Arc<RwLock<Registry>>,
    signer: Arc<Signer>,
    me: Place,
    form: Arc<Form>,
}

impl Newcomer {
    fn new() -> Self {
        let signer = Signer::from_seed(&[1; 32]);
        let unit: UnitId = "465@2024-05-01".parse().unwrap();
        let root = write_root(&signer, &unit, Timestamp(4_000_000_000_000)).unwrap();
        let mut registry = Registry::new(fingerprint(&root));
        registry.learn_line(&[root]);
        let options = OpenOptions::create(Epoch([1; 16]));
        Self {
            store: Store::open_manual(&Medium::Memory, &options).unwrap(),
            registry: Arc::new(RwLock::new(registry)),
            me: Place {
                node: signer.node_id(),
                unit,
                office: None,
            },
            signer: Arc::new(signer),
            form: Arc::new(Form::parse(ANNEX).unwrap()),
        }
    }

    /// A report of its own unit in so many saves, as a peer would send it.
    fn changes(&self, saves: u32) -> Vec<Incoming> {
        let (form, major) = (self.form.id().clone(), self.form.version().major);
        let period = "2016-2020".parse().unwrap();
        let key = DocKey::report(self.me.unit.clone(), form, major, period);
        let mut report = Report::create(key.clone(), &self.form).unwrap();
        let context = SaveContext {
            actor: ActorId([3; 8]),
            at: Timestamp(1),
            office: None,
            message: String::new(),
        };
        let mut save = |number: u32| {
            let edit = Edit::SetFigure {
                key: FigureKey::whole("II.1.1.a".parse().unwrap()),
                value: Scalar::exact(number.to_string().parse().unwrap()),
            };
            let saved = report.save(&context, &[edit]).unwrap().unwrap();
            let actors = vec![context.actor];
            let seal = Seal::sign(&self.signer, key.id(), actors, saved.hash, String::new());
            let sealed = SealedChange {
                seal: &seal.unwrap().to_wire(),
                change: &saved.scanned.bytes,
            };
            Incoming {
                kind: EntryKind::Change,
                object: ObjectId(key.id().0),
                descriptor: key.encode(),
                body: sealed.encode(),
            }
        };
        (0..saves).map(&mut save).collect()
    }

    /// The form, as the root hands it down.
    fn form_record(&self) -> Incoming {
        let tree = UnitTree::new(Vec::new(), Vec::new()).unwrap();
        let forms = vec![((*self.form).clone(), Vec::new())];
        let records = root_records(&self.signer, &self.me.unit, &tree, forms).unwrap();
        let form = records
            .iter()
            .find(|record| record.kind == RecordKind::Form);
        Incoming {
            kind: EntryKind::Record,
            object: ObjectId([0; 16]),
            descriptor: Vec::new(),
            body: form.unwrap().encode(),
        }
    }

    fn push(&self, entries: &[Incoming]) -> Admitted {
        let admission = Admission {
            registry: Arc::clone(&self.registry),
            beginnings: Arc::default(),
            signer: Arc::clone(&self.signer),
            me: self.me.clone(),
            from: Some(PEER),
            now: Timestamp(2),
        };
        let entries = entries.to_vec();
        self.store
            .write(move |tx| admission.push(tx, &entries))
            .unwrap()
    }

    fn checkpoint(&self) -> Option<PeerCheckpoint> {
        let row = self.store.read().unwrap().peer(PEER).unwrap();
        row.and_then(|row| row.checkpoint)
    }
}

#[test]
fn a_peer_whose_changes_were_turned_away_is_compared_with_when_their_form_comes() {
    let newcomer = Newcomer::new();
    let changes = newcomer.changes(600);
    let kept = usize::try_from(PARKED_ROWS_PER_PEER_MAX).unwrap();
    let mut codes = Vec::new();
    for push in changes.chunks(100) {
        let admitted = newcomer.push(push);
        assert_eq!(admitted.crowded, []);
        codes.extend(admitted.refused.into_iter().map(|refusal| refusal.code));
    }
    let (parked, turned_away) = codes.split_at(kept);
    assert!(parked.iter().all(|code| *code == RefusalCode::PARKED));
    assert!(turned_away.iter().all(|code| *code == RefusalCode::CROWDED));
    assert_eq!(turned_away.len(), 600 - kept);

    let admitted = newcomer.push(&[newcomer.form_record()]);
    assert_eq!(admitted.docs.values().map(Vec::len).sum::<usize>(), kept);
    assert_eq!(admitted.crowded, [PEER]);
    let void = Acked::void();
    let checkpoint = newcomer.checkpoint().unwrap();
    assert_eq!(
        (checkpoint.my_epoch, checkpoint.acked),
        (void.basis, void.through)
    );
    assert_eq!(checkpoint.received, Seq(0));

    // What the comparison then brings.
    let admitted = newcomer.push(&changes);
    assert_eq!(admitted.refused, []);
    assert_eq!(
        admitted.docs.values().map(Vec::len).sum::<usize>(),
        600 - kept
    );
    let read = newcomer.store.read().unwrap();
    assert_eq!(read.parked_count().unwrap(), 0);
}

#[test]
fn a_park_that_is_not_full_owes_no_comparison() {
    let newcomer = Newcomer::new();
    newcomer.push(&newcomer.changes(20));
    let admitted = newcomer.push(&[newcomer.form_record()]);
    assert_eq!(admitted.docs.values().map(Vec::len).sum::<usize>(), 20);
    assert_eq!(admitted.crowded, []);
    assert_eq!(newcomer.checkpoint(), None);
}
