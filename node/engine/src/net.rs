//! The tasks that carry bytes between links and the loop.

use std::collections::BTreeMap;

use hopluu_model::{ErrorChain, Fault, Place, Timestamp};
use hopluu_net::{
    CloseCode, CloseReason, DialOptions, Endpoint, FailedCall, Incoming, JoinCall, Link, LinkEvent,
    LinkHandle, Meter, NetworkWatch, Tuning, Via, reason,
};
use hopluu_sync::{Account, Gone, LinkId, Spent, TargetId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::audit::RefusedKind;
use crate::clock_watch::ClockWatch;
use crate::core::Core;
use crate::evidence::has_ended;
use crate::limits::{CLOCK_LOOK, LINK_EVENTS_MAX, LINKS_MAX, QUIC_AGAIN};
use crate::turn::{NetEffect, Turn};
use crate::ways::{Losses, Silence, Way};

/// Something that a carrying task has to tell the loop.
#[derive(Debug)]
pub(crate) enum NetEvent {
    /// A dial ended. A failed one has been logged.
    Dialled(TargetId, Result<Box<Link>, FailedCall>),
    /// Somebody called.
    Called(Incoming),
    /// A link has news.
    Link(LinkId, LinkEvent),
    /// A link has taken what it was handed.
    Sent(LinkId),
    /// The machine is on another network.
    NetworkChanged,
    /// The machine slept, or its clock was set.
    ClockJumped,
}

/// Links, dials and the endpoint, as the loop holds them.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) endpoint: Endpoint,
    targets: BTreeMap<TargetId, String>,
    /// When QUIC is tried first again, where another way leads.
    quic_again: Instant,
    links: BTreeMap<LinkId, Linked>,
    /// What is known of the ways to the targets, by address, and which of them is news.
    ways: BTreeMap<String, Way>,
    news: BTreeMap<String, Way>,
    silence: Silence,
    /// How links to some addresses behave, where that is set.
    tunings: BTreeMap<String, Tuning>,
    last_link: u64,
    events: mpsc::Sender<NetEvent>,
    /// Where callers with parcels are answered.
    parcels: mpsc::Sender<Link>,
    /// Dropping the set ends all carrying.
    tasks: JoinSet<()>,
}

/// A link, and the target it leads to if we dialled it.
#[derive(Debug)]
struct Linked {
    handle: LinkHandle,
    /// Whether what comes over it waits below.
    held: watch::Sender<bool>,
    target: Option<TargetId>,
    /// What the hub was told last of what the link carries.
    told: Option<Way>,
    /// What of its packets the way's memory holds.
    counted: Losses,
    account: Account,
}

impl Net {
    pub(crate) fn new(
        endpoint: Endpoint,
        targets: BTreeMap<TargetId, String>,
        ways: BTreeMap<String, Way>,
        tunings: BTreeMap<String, Tuning>,
        parcels: mpsc::Sender<Link>,
    ) -> (Self, mpsc::Receiver<NetEvent>) {
        let (events, incoming) = mpsc::channel(LINK_EVENTS_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(endpoint.clone(), events.clone()));
        if !targets.is_empty() {
            tasks.spawn(watch_network(events.clone()));
            tasks.spawn(watch_clock(events.clone()));
        }
        let links = BTreeMap::new();
        (
            Self {
                endpoint,
                targets,
                quic_again: Instant::now() + QUIC_AGAIN,
                links,
                ways,
                news: BTreeMap::new(),
                silence: Silence::default(),
                tunings,
                last_link: 0,
                events,
                parcels,
                tasks,
            },
            incoming,
        )
    }

    /// Takes what a carrying task has to tell.
    pub(crate) fn take(&mut self, core: &mut Core, turn: &mut Turn, event: NetEvent) {
        // Ended tasks are let go of as they are noticed, so that the set does not grow.
        while self.tasks.try_join_next().is_some() {}
        match event {
            NetEvent::Dialled(target, Err(failed)) => {
                // Where nothing has left this machine, nobody could have answered.
                if failed.sent > 0 {
                    self.silence.called(target, failed.is_heard);
                }
                let spent = Spent::of_call(failed.sent, failed.received);
                core.call_spent(turn, target, &spent);
                core.dial_failed(turn, target, failed.error.again_s());
            }
            NetEvent::Dialled(target, Ok(link)) => self.opened(core, turn, *link, Some(target)),
            NetEvent::Called(Incoming::Link(link)) => self.opened(core, turn, link, None),
            NetEvent::Called(Incoming::Parcels(link)) => {
                // Whoever finds no place here, or no time, comes again with its next round.
                let handle = link.handle();
                let line = handle.line();
                let stands = core.bar(line).is_none() && core.registry().stands(line);
                let may_come = !core.is_busy() && stands;
                let _no_place = may_come.then(|| self.parcels.try_send(link));
            }
            NetEvent::Called(Incoming::Join(call)) => self.joining(core, turn, call),
            NetEvent::NetworkChanged => {
                tracing::debug!("network changed");
                self.hurry();
                core.network_changed(turn);
            }
            NetEvent::ClockJumped => {
                tracing::debug!("clock jumped");
                self.hurry();
                core.clock_jumped(turn);
            }
            NetEvent::Link(id, LinkEvent::Received(bytes)) => {
                self.measure(core, turn, id);
                core.link_received(turn, id, bytes);
            }
            NetEvent::Sent(id) => {
                self.measure(core, turn, id);
                self.put_down(core, turn, id);
                core.link_sent(turn, id);
            }
            NetEvent::Link(id, LinkEvent::Closed(reason)) => {
                if let CloseReason::Peer {
                    code: CloseCode::REVOKED,
                    text,
                } = &reason
                {
                    core.is_told_revoked(text);
                }
                self.put_down(core, turn, id);
                self.links.remove(&id);
                core.link_closed(turn, id, code_of(&reason), reason.again_s());
            }
        }
    }

    /// Tries what waits at once: it waits by what was seen before.
    fn hurry(&mut self) {
        self.quic_again = Instant::now();
        self.silence.hurry();
        self.endpoint.network_changed();
    }

    fn opened(&mut self, core: &mut Core, turn: &mut Turn, link: Link, target: Option<TargetId>) {
        let handle = link.handle();
        let may_call = target.is_none_or(|target| core.plans.may_call(target));
        // A caller is turned away before those who are linked are; who was called is not.
        let is_full = self.links.len() >= LINKS_MAX || target.is_none() && core.is_busy();
        let bar = core.bar(handle.line());
        let stands = bar.is_none() && core.registry().stands(handle.line());
        let may_link = may_call && !is_full && stands;
        // Whoever has an address today may be another node than it was: one that has no business with this one
        // must not keep a place where a superior is looked for.
        let leads = target.is_none() || core.is_on_line(handle.peer());
        if !may_link || !leads {
            let peer = handle.peer();
            tracing::warn!(peer = %peer.node.short(), unit = %peer.unit, leads, "link refused");
            let why = match (leads, stands) {
                _ if bar.is_some() => Some("revoked"),
                (false, _) => Some("other-node"),
                (true, false) => Some("not-enrolled"),
                // There was no room or no time: that is no matter of who it is.
                (true, true) => None,
            };
            if let Some(why) = why {
                core.refused(turn, RefusedKind::Link, Some(peer.node), why);
            }
            match (leads, is_full) {
                _ if bar.is_some() => {
                    handle.close(CloseCode::REVOKED, &bar.unwrap_or_default());
                }
                (false, _) => handle.close(CloseCode::OTHER_NODE, "not now"),
                (true, true) => handle.close(CloseCode::BUSY, &CloseCode::BUSY.last_word()),
                (true, false) => handle.close(CloseCode::BUSY, "not now"),
            }
            if let Some(target) = target {
                let (up, down) = gone(&handle.meter());
                let spent = Spent::of_call(up.datagrams, down.datagrams);
                core.call_spent(turn, target, &spent);
                core.dial_failed(turn, target, None);
            }
            return;
        }
        if let Some(target) = target {
            self.silence.called(target, true);
        }
        self.last_link += 1;
        let id = LinkId(self.last_link);
        let peer: Place = handle.peer().clone();
        core.link_via(id, handle.via());
        let addr = target.and_then(|target| self.targets.get(&target));
        let told = addr.and_then(|addr| self.ways.get(addr)).copied();
        let (held, is_held) = watch::channel(false);
        let linked = Linked {
            handle,
            held,
            target,
            told,
            counted: Losses::default(),
            account: Account::default(),
        };
        self.links.insert(id, linked);
        self.tasks
            .spawn(carry(id, link, is_held, self.events.clone()));
        let node = peer.node;
        core.link_opened(turn, id, peer, target);
        if let Some(target) = target {
            core.plan_met(turn, target, node);
        }
        if let Some(way) = told {
            core.link_measured(turn, id, way);
        }
    }

    /// Tells the hub what a link carries now, if that is news. Asked only when the link moves.
    fn measure(&mut self, core: &mut Core, turn: &mut Turn, link: LinkId) {
        let Some(linked) = self.links.get_mut(&link) else {
            return;
        };
        let Some(seen) = Way::seen(&linked.handle) else {
            return;
        };
        let way = seen.after(linked.told);
        if !linked.told.is_some_and(|told| told.is_near(way)) {
            linked.told = Some(way);
            core.link_measured(turn, link, way);
        }
    }

    fn joining(&mut self, core: &mut Core, turn: &mut Turn, call: JoinCall) {
        let (answer, answered) = oneshot::channel::<Vec<u8>>();
        let request = call.request().to_vec();
        self.tasks.spawn(async move {
            if let Ok(reply) = answered.await {
                call.answer(&reply).await;
            }
        });
        core.join(
            turn,
            &request,
            Box::new(move |reply: Vec<u8>| {
                // The caller may have hung up; it can ask again with the same ticket.
                let _caller_left = answer.send(reply);
            }),
        );
    }

    /// Puts down what has gone over a link since the last time.
    fn put_down(&mut self, core: &mut Core, turn: &mut Turn, link: LinkId) {
        let said = core.hub.said(link);
        if let (Some(linked), Some(said)) = (self.links.get_mut(&link), said) {
            let (up, down) = gone(&linked.handle.meter());
            let spent = linked.account.put_down(up, down, &said);
            core.spend(turn, linked.handle.peer().node, &spent);
        }
    }

    /// Puts down what has gone over all links.
    pub(crate) fn put_down_all(&mut self, core: &mut Core, turn: &mut Turn) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.put_down(core, turn, link);
        }
    }

    /// Carries out one effect.
    pub(crate) fn perform(&mut self, core: &mut Core, turn: &mut Turn, effect: NetEffect) {
        match effect {
            NetEffect::CallWanted => {
                self.silence.hurry();
                self.endpoint.call_wanted();
            }
            NetEffect::Dial { target } => {
                let addr = self.targets.get(&target).cloned().unwrap_or_default();
                let call = Call {
                    target,
                    options: DialOptions {
                        tuning: self.tunings.get(&addr).cloned(),
                        is_silent: self.silence.asks_first(target),
                        ..self.options(&addr)
                    },
                    addr,
                };
                self.tasks
                    .spawn(dial(self.endpoint.clone(), call, self.events.clone()));
            }
            NetEffect::Send {
                link,
                bytes,
                may_wait,
            } => {
                // One task a link at most: the hub waits for `Sent` before it hands over more.
                if let Some(linked) = self.links.get(&link) {
                    let (handle, events) = (linked.handle.clone(), self.events.clone());
                    let sending = send(link, handle, (bytes, may_wait), events);
                    self.tasks.spawn(sending);
                }
            }
            NetEffect::Await { link, is_awaited } => {
                if let Some(linked) = self.links.get(&link) {
                    linked.handle.awaits(is_awaited);
                    if !is_awaited {
                        self.look_at(link);
                        self.put_down(core, turn, link);
                    }
                }
            }
            NetEffect::Hold { link, is_held } => {
                if let Some(linked) = self.links.get(&link) {
                    linked.held.send_replace(is_held);
                }
            }
            NetEffect::Judge { at } => self.judge(at),
            NetEffect::Present => self.present(core),
            NetEffect::Bar { link, why } => {
                if let Some(linked) = self.links.get(&link) {
                    linked.held.send_replace(false);
                    linked.handle.close(CloseCode::REVOKED, &why);
                }
            }
            NetEffect::Close {
                link,
                code,
                again_s,
            } => {
                if let Some(linked) = self.links.get(&link) {
                    // Its end must come through.
                    linked.held.send_replace(false);
                    let number = CloseCode(u32::from(code.number()));
                    let peer = linked.handle.peer().node;
                    if code.fault() == Fault::Peer {
                        let frame = format!("frame-{}", code.number());
                        core.refused(turn, RefusedKind::Link, Some(peer), &frame);
                    }
                    linked.handle.close(number, &reason(&code, again_s));
                }
            }
        }
    }
}

impl Net {
    /// Shows this node's newer certificate from the next handshake on.
    fn present(&self, core: &Core) {
        if let Err(error) = self.endpoint.set_chain(core.signer(), &core.config().chain) {
            tracing::error!(error = %ErrorChain(&error), "the new certificate is not shown before the next start");
        }
    }

    /// Goes by another time, and closes the links to those who have ended by it.
    fn judge(&self, at: Timestamp) {
        self.endpoint.set_evidence(at);
        for linked in self.links.values() {
            if has_ended(linked.handle.line(), Some(at)) {
                // Its end must come through.
                linked.held.send_replace(false);
                let code = CloseCode::EXPIRED;
                linked.handle.close(code, &code.last_word());
            }
        }
    }

    /// What is known of the way to an address. Where QUIC did not lead there it is tried first again now and then, because
    /// it does better wherever it passes.
    fn options(&mut self, addr: &str) -> DialOptions {
        let Some(way) = self.ways.get(addr) else {
            return DialOptions::default();
        };
        let mut options = way.options();
        let now = Instant::now();
        if options.first != Via::Quic && self.quic_again <= now {
            self.quic_again = now + QUIC_AGAIN;
            options.first = Via::Quic;
        }
        options
    }

    /// Work has come to rest on a link: what it showed of the way is worth keeping.
    fn look_at(&mut self, link: LinkId) {
        let Some(linked) = self.links.get_mut(&link) else {
            return;
        };
        let addr = linked.target.and_then(|target| self.targets.get(&target));
        let seen = Way::seen(&linked.handle);
        if let (Some(addr), Some(seen)) = (addr, seen) {
            let before = self.ways.get(addr).copied();
            let losses = Losses::of(&linked.handle);
            let way = seen.after(before).losing(losses.since(linked.counted));
            if !before.is_some_and(|before| before.is_near(way)) {
                linked.counted = losses;
                self.ways.insert(addr.clone(), way);
                self.news.insert(addr.clone(), way);
            }
        }
    }

    /// What was learnt of ways and is not written down.
    pub(crate) fn take_news(&mut self) -> BTreeMap<String, Way> {
        std::mem::take(&mut self.news)
    }
}

/// What a meter shows: up, and down.
pub(crate) fn gone(meter: &Meter) -> (Gone, Gone) {
    let up = Gone {
        datagrams: meter.udp_sent.saturating_add(meter.repeated),
        repeated: meter.lost.saturating_add(meter.repeated),
        stream: meter.stream_sent,
    };
    let down = Gone {
        datagrams: meter.udp_received,
        repeated: 0,
        stream: meter.stream_received,
    };
    (up, down)
}

/// One dial.
struct Call {
    target: TargetId,
    addr: String,
    options: DialOptions,
}

fn code_of(reason: &CloseReason) -> Option<u16> {
    match reason {
        CloseReason::Peer { code, .. } => u16::try_from(code.0).ok(),
        _ => None,
    }
}

async fn accept(endpoint: Endpoint, events: mpsc::Sender<NetEvent>) {
    while let Some(incoming) = endpoint.accept().await {
        if events.send(NetEvent::Called(incoming)).await.is_err() {
            return;
        }
    }
}

/// Without the system's word changes show when something is owed and nothing moves.
async fn watch_network(events: mpsc::Sender<NetEvent>) {
    let watching = async {
        let mut network = NetworkWatch::start()?;
        loop {
            network.changed().await?;
            if events.send(NetEvent::NetworkChanged).await.is_err() {
                return Ok::<(), std::io::Error>(());
            }
        }
    };
    if let Err(error) = watching.await {
        tracing::warn!(error = %ErrorChain(&error), "changes of the network are not told");
    }
}

async fn watch_clock(events: mpsc::Sender<NetEvent>) {
    let mut clock = ClockWatch::start(CLOCK_LOOK);
    loop {
        clock.jumped().await;
        if events.send(NetEvent::ClockJumped).await.is_err() {
            return;
        }
    }
}

async fn carry(
    id: LinkId,
    mut link: Link,
    mut held: watch::Receiver<bool>,
    events: mpsc::Sender<NetEvent>,
) {
    loop {
        // Of a link that nobody holds any more the rest comes.
        let _is_free = held.wait_for(|is_held| !is_held).await.is_ok();
        let Some(event) = link.next().await else {
            return;
        };
        if events.send(NetEvent::Link(id, event)).await.is_err() {
            return;
        }
    }
}

async fn send(
    id: LinkId,
    link: LinkHandle,
    (bytes, may_wait): (Vec<u8>, bool),
    events: mpsc::Sender<NetEvent>,
) {
    let sent = if may_wait {
        link.send_last(bytes).await
    } else {
        link.send(bytes).await
    };
    // A link that is gone says so itself, and without the loop nobody waits.
    if sent.is_ok() {
        let _loop_ended = events.send(NetEvent::Sent(id)).await;
    }
}

async fn dial(endpoint: Endpoint, call: Call, events: mpsc::Sender<NetEvent>) {
    let link = endpoint.call(&call.addr, &call.options).await.map(Box::new);
    if let Err(failed) = &link {
        tracing::debug!(error = %ErrorChain(&failed.error), "dial failed");
    }
    // Without the loop nobody wants the link.
    let _loop_ended = events.send(NetEvent::Dialled(call.target, link)).await;
}
