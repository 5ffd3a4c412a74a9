//! The world: one clock, one heap of happenings, all nodes.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::path::PathBuf;
use std::sync::Arc;

use hopluu_engine::{Beginnings, Core, InviteRequest, Turn, root_records};
use hopluu_model::tree::UnitTree;
use hopluu_model::{Digest, Epoch, Place, Timestamp};
use hopluu_net::key::write_root;
use hopluu_sync::Steady;
use hopluu_trust::{JoinReply, JoinRequest, Joined, Record, Signer, Ticket, fingerprint};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::decide::Decision;
use crate::hostile::Rights;
use crate::ledger::Ledger;
use crate::link::{Pipe, Route, new_route};
use crate::log::{Broken, Log, Panicked, Played};
use crate::node::{Inbox, Node};
use crate::plan::{BEGIN, Between, DAY, DAYS, HOUR, MINUTE, Plan};
use crate::province::{A_FLOOD, Level, Seat, THIS_HALF, TREE, districts, seats};
use crate::stick::Stick;
use crate::{check, ends};

/// Something that is going to happen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happening {
    Wake {
        node: usize,
    },
    Pump {
        node: usize,
        life: u32,
    },
    Dialled {
        route: usize,
        life: u32,
    },
    Arrived {
        pipe: u64,
        lane: usize,
    },
    /// A lane has taken a piece.
    Sent {
        pipe: u64,
        lane: usize,
    },
    /// An end hears that its pipe is gone.
    Gone {
        pipe: u64,
        end: usize,
        code: Option<u16>,
    },
    /// A node hears that it has closed a link.
    Closed {
        node: usize,
        life: u32,
        link: u64,
    },
    Window {
        route: usize,
        window: u64,
        opens: bool,
    },
    Break {
        pipe: u64,
    },
    Work {
        node: usize,
    },
    PowerCut {
        node: usize,
        life: u32,
    },
    PowerBack {
        node: usize,
    },
    /// Somebody sets a node's clock, or it hears the time.
    ClockSet {
        node: usize,
        life: u32,
    },
    Backup {
        node: usize,
    },
    Restore {
        node: usize,
    },
    /// A disk is copied, and a second machine runs with it.
    Copy {
        node: usize,
    },
    /// That machine is put away.
    Retire {
        copy: usize,
        original: usize,
    },
    Replay {
        tape: usize,
    },
    Decide {
        what: Decision,
    },
    /// A node writes sticks for everybody in its line.
    Sticks {
        node: usize,
    },
    /// One of them gets there.
    Carried {
        stick: usize,
    },
    /// An office writes what it may not.
    Forge {
        node: usize,
    },
    /// A main node gives rights, or takes them back.
    Rights {
        node: usize,
    },
}

/// A happening in the heap: by time, then in the order in which they were planned.
#[derive(Debug)]
struct Due {
    at: i64,
    number: u64,
    happening: Happening,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// What a caller once sent, kept for being played again: who heard it, who said it.
pub(crate) struct Tape {
    pub(crate) listener: usize,
    pub(crate) caller: Place,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) now: i64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) routes: Vec<Route>,
    pub(crate) pipes: BTreeMap<u64, Pipe>,
    pub(crate) last_pipe: u64,
    pub(crate) tapes: Vec<Tape>,
    pub(crate) sticks: Vec<Stick>,
    pub(crate) backups: BTreeMap<usize, PathBuf>,
    /// Files of disks made so far.
    pub(crate) disks: u32,
    /// The units as they are by the end of the year, what has been decided by now included.
    pub(crate) tree: UnitTree,
    pub(crate) decided: Vec<Decision>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) rng: StdRng,
    /// Made once for all nodes: they say the same on each.
    pub(crate) beginnings: Arc<Beginnings>,
    pub(crate) log: Log,
    pub(crate) ledger: Ledger,
    pub(crate) rights: Rights,
    /// Nothing fails and nobody writes any more.
    pub(crate) is_healed: bool,
    pub(crate) saves: u64,
    queue: BinaryHeap<Reverse<Due>>,
    planned: u64,
}

impl World {
    /// Plays a half-year and what comes after it.
    pub(crate) fn play(seed: u64, label: &str) -> Result<Played, Broken> {
        let _named = Panicked(&seed);
        let mut world = Self::found(seed, label);
        world.begin();
        let end = BEGIN + DAYS * DAY;
        while world.step(end)? {}
        world.now = end;
        ends::hold(&mut world)?;
        Ok(world.log.close(world.rights.void))
    }

    /// All nodes, let in one by one by real tickets. The network is not there yet.
    fn found(seed: u64, label: &str) -> Self {
        let plan = Plan::draw(seed);
        let mut rng = StdRng::seed_from_u64(seed ^ 0x5eed);
        let mut log = Log::create(seed, label);
        log.line(BEGIN, "world", "plan", &json!(format!("{plan:?}")));
        let seats = seats(plan.offices);
        let beginnings = Arc::default();
        let mut nodes: Vec<Node> = Vec::with_capacity(seats.len());
        let issuers: BTreeSet<usize> = seats.iter().filter_map(|seat| seat.above).collect();
        let mut decided = Vec::new();
        for (at, seat) in seats.into_iter().enumerate() {
            let signer = Signer::from_seed(&rng.random());
            let epoch = Epoch(rng.random());
            let mut node = match seat.above {
                None => {
                    decided = root_says(&signer, &seat, &plan);
                    root(seat, signer, epoch, decided.clone())
                }
                Some(above) => {
                    // Who lets others in has heard of the tree before; the rest begin without.
                    let is_issuer = issuers.contains(&at);
                    let records = if is_issuer {
                        decided.clone()
                    } else {
                        Vec::new()
                    };
                    joined(&mut nodes[above], seat, (signer, epoch), records)
                }
            };
            node.start(BEGIN, rng.random(), &beginnings);
            nodes.push(node);
        }
        let offices = nodes.iter_mut().rev();
        let offices = offices.filter(|node| node.seat.level == Level::Office);
        for office in offices.take(plan.hostile) {
            office.is_hostile = true;
        }
        let ledger = Ledger::new(nodes.len());
        Self {
            plan,
            now: BEGIN,
            nodes,
            routes: Vec::new(),
            pipes: BTreeMap::new(),
            last_pipe: 0,
            tapes: Vec::new(),
            sticks: Vec::new(),
            backups: BTreeMap::new(),
            disks: 0,
            tree: TREE.clone(),
            decided: Vec::new(),
            folder: tempfile::tempdir().expect("there is room for a backup"),
            rng,
            log,
            ledger,
            rights: Rights::default(),
            is_healed: false,
            saves: 0,
            queue: BinaryHeap::new(),
            planned: 0,
            beginnings,
        }
    }

    /// Plans the first of everything.
    fn begin(&mut self) {
        self.lay_routes();
        self.plan_decisions();
        for route in 0..self.routes.len() {
            self.plan_window(route);
        }
        for node in 0..self.nodes.len() {
            let work = self.rng.random_range(0..self.plan.work_ms.1);
            self.at(self.now + work, Happening::Work { node });
            self.plan_power_cut(node);
            self.plan_sticks(node);
            self.start_dialling(node);
        }
        self.plan_disks();
        self.plan_hostility();
    }

    /// Everybody dials up; some have a second way; offices of one unit dial each other.
    fn lay_routes(&mut self) {
        let mut pairs = Vec::new();
        for (node, other) in self.nodes.iter().enumerate() {
            pairs.extend(other.seat.above.map(|above| (node, above)));
        }
        let level = |node: usize| self.nodes[node].seat.level;
        let communes: Vec<usize> = (0..self.nodes.len())
            .filter(|node| level(*node) == Level::Commune)
            .collect();
        let offices = (0..self.nodes.len()).filter(|node| level(*node) == Level::Office);
        let offices: Vec<usize> = offices.collect();
        for pair in offices.windows(2) {
            if self.nodes[pair[0]].seat.unit == self.nodes[pair[1]].seat.unit {
                pairs.push((pair[0], pair[1]));
            }
        }
        pairs.extend(
            communes
                .iter()
                .take(self.plan.second_ways)
                .map(|at| (*at, 0)),
        );
        for pair in pairs {
            let route = new_route(&self.plan, pair, &mut self.rng);
            self.routes.push(route);
        }
        for (route, _) in communes.iter().rev().zip(0..self.plan.silent_communes) {
            let begin = BEGIN + self.rng.random_range(0..60 * DAY);
            let silence = (begin, begin + self.rng.random_range(21 * DAY..100 * DAY));
            for other in self
                .routes
                .iter_mut()
                .filter(|other| other.caller == *route)
            {
                other.silent = Some(silence);
            }
        }
        self.cut_off_district();
        for route in &mut self.routes {
            if level_of(&self.nodes, route.caller) == Level::Office {
                // A cable in the house: open for an office day.
                route.bits_per_s = [10_000_000; 2];
                route.delay_ms = 1;
                route.window_ms = Between(4 * HOUR, 10 * HOUR);
                route.dark_ms = Between(14 * HOUR, 3 * DAY);
            }
        }
    }

    pub(crate) fn at(&mut self, at: i64, happening: Happening) {
        self.planned += 1;
        let number = self.planned;
        self.queue.push(Reverse(Due {
            at,
            number,
            happening,
        }));
    }

    /// Lets the next thing happen, unless it lies after `end`.
    pub(crate) fn step(&mut self, end: i64) -> Result<bool, Broken> {
        if self.queue.peek().is_none_or(|Reverse(due)| due.at > end) {
            return Ok(false);
        }
        let Some(Reverse(due)) = self.queue.pop() else {
            return Ok(false);
        };
        self.now = self.now.max(due.at);
        self.happen(due.happening)?;
        Ok(true)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Wake { node } => self.woken(node),
            Happening::Pump { node, life } => self.pump(node, life),
            Happening::Dialled { route, life } => self.dialled(route, life),
            Happening::Arrived { pipe, lane } => self.arrived(pipe, lane),
            Happening::Sent { pipe, lane } => self.sent(pipe, lane),
            Happening::Gone { pipe, end, code } => self.gone(pipe, end, code),
            Happening::Closed { node, life, link } => self.closed(node, life, link),
            Happening::Window {
                route,
                window,
                opens,
            } => self.window(route, window, opens),
            Happening::Break { pipe } => self.break_pipe(pipe),
            Happening::Work { node } => self.work(node),
            Happening::PowerCut { node, life } => self.power_cut(node, life),
            Happening::PowerBack { node } => self.power_back(node),
            Happening::ClockSet { node, life } => {
                self.set_clock(node, life);
                Ok(())
            }
            Happening::Backup { node } => {
                self.backup(node);
                Ok(())
            }
            Happening::Copy { node } => {
                self.copy(node);
                Ok(())
            }
            Happening::Retire { copy, original } => self.retire(copy, original),
            Happening::Restore { node } => self.restore(node),
            Happening::Replay { tape } => self.replay(tape),
            Happening::Decide { what } => self.decide(what),
            Happening::Sticks { node } => {
                self.write_sticks(node);
                Ok(())
            }
            Happening::Carried { stick } => self.carried(stick),
            Happening::Forge { node } => self.forge(node),
            Happening::Rights { node } => self.change_rights(node),
        }
    }

    /// One turn of a node that has power, and everything that follows from it at once.
    pub(crate) fn turn(
        &mut self,
        at: usize,
        act: impl FnOnce(&mut Core, &mut Turn),
    ) -> Result<(), Broken> {
        let node = &mut self.nodes[at];
        let mut turn = node.at(self.now);
        let Some(core) = node.core.as_mut() else {
            return Ok(());
        };
        act(core, &mut turn);
        let wake = core.next_wake();
        for effect in turn.net {
            self.perform(at, effect)?;
        }
        for event in &turn.events {
            let name = &self.nodes[at].seat.name;
            self.log.line(self.now, name, "event", &json!(event));
        }
        self.plan_wake(at, wake);
        if !self.nodes[at].is_pump_due {
            self.nodes[at].is_pump_due = true;
            let wait = self.plan.fsync_ms.draw(&mut self.rng);
            let life = self.nodes[at].life;
            self.at(self.now + wait, Happening::Pump { node: at, life });
        }
        self.answered(at)?;
        check::after_turn(self, at)
    }

    fn plan_wake(&mut self, at: usize, wake: Option<Steady>) {
        let node = &mut self.nodes[at];
        let due = wake.map(|wake| node.when(wake).max(self.now));
        if node.wake_due == due {
            return;
        }
        node.wake_due = due;
        if let Some(due) = due {
            self.at(due, Happening::Wake { node: at });
        }
    }

    fn woken(&mut self, at: usize) -> Result<(), Broken> {
        if self.nodes[at].wake_due != Some(self.now) {
            return Ok(());
        }
        self.nodes[at].wake_due = None;
        self.turn(at, Core::woken)
    }

    fn pump(&mut self, at: usize, life: u32) -> Result<(), Broken> {
        let node = &mut self.nodes[at];
        if node.life != life || node.core.is_none() {
            return Ok(());
        }
        for continuation in node.pump() {
            self.turn(at, |core, turn| continuation(core, turn))?;
        }
        check::after_write(self, at)
    }

    pub(crate) fn broken(&mut self, what: impl std::fmt::Display) -> Broken {
        self.log.broken(format!("at {}: {what}", self.now))
    }

    /// Draws one in 1,000 chances.
    pub(crate) fn chance(&mut self, of_1000: u32) -> bool {
        self.rng.random_range(0..1_000) < of_1000
    }
}

fn level_of(nodes: &[Node], at: usize) -> Level {
    nodes[at].seat.level
}

/// What a root decides first: the tree, and mostly the form.
fn root_says(signer: &Signer, seat: &Seat, plan: &Plan) -> Vec<Record> {
    let assigned = if plan.is_for_all {
        Vec::new()
    } else {
        districts()
    };
    let forms = if plan.is_form_late {
        Vec::new()
    } else {
        let rounds = [THIS_HALF, A_FLOOD].into_iter();
        let forms = rounds.map(|round| ((**round.form()).clone(), assigned.clone()));
        forms.collect()
    };
    root_records(signer, &seat.unit, &TREE, forms).expect("a province is within bounds")
}

/// Where trust begins.
fn root(seat: Seat, signer: Signer, epoch: Epoch, records: Vec<Record>) -> Node {
    let not_after = Timestamp(BEGIN + 30 * 365 * DAY);
    let certificate = write_root(&signer, &seat.unit, not_after).expect("a root may be written");
    let root = fingerprint(&certificate);
    Node::found(seat, signer, epoch, (&[certificate], root), records)
}

/// A node that comes with a ticket, as people carry one.
fn joined(
    above: &mut Node,
    seat: Seat,
    (signer, epoch): (Signer, Epoch),
    records: Vec<Record>,
) -> Node {
    let request = InviteRequest {
        unit: Some(seat.unit.to_string()),
        office: seat.office.as_ref().map(ToString::to_string),
        addresses: vec!["mesh:1".to_owned()],
        hours: 24,
    };
    let invited = Inbox::default();
    let told = invited.clone();
    above.rest(BEGIN, |core, turn| {
        core.invite(turn, &request, Box::new(move |view| told.put(view)));
    });
    let view = invited.take().pop_front().expect("an answer came");
    let ticket = Ticket::decode(&view.expect("the superior invites").ticket).expect("a ticket");
    let request = JoinRequest::new(&ticket, &signer);
    let answers = Inbox::default();
    let told = answers.clone();
    above.rest(BEGIN + MINUTE, |core, turn| {
        core.join(
            turn,
            &request.encode(),
            Box::new(move |bytes| told.put(bytes)),
        );
    });
    let bytes: Vec<u8> = answers.take().pop_front().expect("an answer came");
    let joined: Joined = JoinReply::open(&bytes, &ticket, &request).expect("it is let in");
    let root: Digest = ticket.root;
    Node::found(seat, signer, epoch, (&joined.chain, root), records)
}
