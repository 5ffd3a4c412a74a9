//! What happens between nodes: dials, windows, bytes, cuts, replays.

use hopluu_engine::NetEffect;
use hopluu_net::CloseCode;
use hopluu_sync::{LinkId, limits};
use rand::RngExt;
use serde_json::json;

use crate::link::{End, Lane, Pipe, Route, TAPE_BYTES_MAX};
use crate::log::{Broken, fnv_of};
use crate::plan::{DAY, HOUR, MINUTE, SECOND};
use crate::world::{Happening, Tape, World};

/// A dial that meets nobody.
const DIAL_MS: i64 = 3 * SECOND;

/// After so many dials without a way the caller waits to be told of one.
const DIALS_MAX: u32 = 3;

impl World {
    pub(crate) fn perform(&mut self, at: usize, effect: NetEffect) -> Result<(), Broken> {
        let life = self.nodes[at].life;
        match effect {
            NetEffect::Dial { target } => {
                let route = usize::try_from(target.0).expect("targets are routes");
                let way = &self.routes[route];
                let takes = if way.is_open {
                    2 * way.delay_ms
                } else {
                    DIAL_MS
                };
                self.at(self.now + takes, Happening::Dialled { route, life });
            }
            NetEffect::Send { link, bytes, .. } => return self.send(at, link, bytes),
            // Simulated links lose nothing while they stand.
            // No certificate ends there, and links are opened by keys alone.
            NetEffect::Judge { .. } | NetEffect::Present => {}
            NetEffect::Await { .. } | NetEffect::Hold { .. } | NetEffect::CallWanted => {}
            NetEffect::Close { link, code, .. } => self.close(at, link, code.number()),
            NetEffect::Bar { link, .. } => {
                let code = u16::try_from(CloseCode::REVOKED.0).expect("it is small");
                self.close(at, link, code);
            }
        }
        Ok(())
    }

    fn close(&mut self, at: usize, link: LinkId, code: u16) {
        let life = self.nodes[at].life;
        let Some((id, end)) = self.nodes[at].links.remove(&link.0) else {
            return;
        };
        let detail = json!({"pipe": id, "code": code});
        self.log
            .line(self.now, &self.nodes[at].seat.name, "close", &detail);
        let closed = Happening::Closed {
            node: at,
            life,
            link: link.0,
        };
        self.at(self.now, closed);
        let pipe = self.pipes.get_mut(&id).expect("a link has its pipe");
        pipe.ends[end].is_open = false;
        let lane = &pipe.lanes[end];
        let heard = lane.free_at().max(self.now) + lane.delay_ms();
        let gone = Happening::Gone {
            pipe: id,
            end: 1 - end,
            code: Some(code),
        };
        self.at(heard, gone);
    }

    fn send(&mut self, at: usize, link: LinkId, bytes: Vec<u8>) -> Result<(), Broken> {
        let Some((id, lane)) = self.nodes[at].links.get(&link.0).copied() else {
            return Ok(());
        };
        let detail = json!({"pipe": id, "bytes": bytes.len(), "sum": fnv_of(&bytes)});
        self.log
            .line(self.now, &self.nodes[at].seat.name, "send", &detail);
        let pipe = self.pipes.get_mut(&id).expect("a link has its pipe");
        if pipe.is_cut {
            return Ok(());
        }
        let is_one = bytes.len() <= limits::SEND_BYTES_MAX && !pipe.lanes[lane].is_sending;
        pipe.lanes[lane].is_sending = true;
        let arrive = pipe.lanes[lane].send(self.now, bytes);
        let taken = pipe.lanes[lane].free_at();
        self.at(taken, Happening::Sent { pipe: id, lane });
        self.at(arrive, Happening::Arrived { pipe: id, lane });
        if !is_one {
            let name = &self.nodes[at].seat.name;
            let what = format!("bounds_kept: {name} hands over more than one piece of a link");
            return Err(self.broken(what));
        }
        Ok(())
    }

    /// The last byte of a piece is on its way.
    pub(crate) fn sent(&mut self, id: u64, lane: usize) -> Result<(), Broken> {
        let Some(pipe) = self.pipes.get_mut(&id).filter(|pipe| !pipe.is_cut) else {
            return Ok(());
        };
        pipe.lanes[lane].is_sending = false;
        let End {
            node,
            link,
            is_open,
        } = pipe.ends[lane];
        if !is_open {
            return Ok(());
        }
        self.turn(node, |core, turn| core.link_sent(turn, LinkId(link)))
    }

    pub(crate) fn start_dialling(&mut self, at: usize) {
        let routes = self.routes.iter().enumerate();
        let own: Vec<usize> = routes
            .filter(|(_, route)| route.caller == at)
            .map(|(route, _)| route)
            .collect();
        for route in own {
            // The first dial is an effect like any other, so the checkers see nothing new here.
            self.dial_by(route).expect("naming a target breaks nothing");
        }
    }

    /// A caller hears of a way, or of all its ways after a start.
    pub(crate) fn dial_by(&mut self, route: usize) -> Result<(), Broken> {
        let way = &mut self.routes[route];
        way.failures = 0;
        way.waiting = None;
        let caller = way.caller;
        self.turn(caller, |core, turn| {
            core.target_added(turn, Route::target(route));
        })
    }

    pub(crate) fn dialled(&mut self, at: usize, life: u32) -> Result<(), Broken> {
        let route = &mut self.routes[at];
        let caller = route.caller;
        if self.nodes[caller].life != life || self.nodes[caller].core.is_none() {
            return Ok(());
        }
        if route.is_open && self.nodes[route.listener].core.is_some() {
            route.failures = 0;
            return self.connect(at);
        }
        route.failures += 1;
        if route.failures > DIALS_MAX && !route.is_open {
            route.waiting = Some(life);
            return Ok(());
        }
        self.turn(caller, |core, turn| {
            core.dial_failed(turn, Route::target(at), None);
        })
    }

    fn connect(&mut self, at: usize) -> Result<(), Broken> {
        let route = &self.routes[at];
        let nodes = [route.caller, route.listener];
        let lanes = [0, 1].map(|lane| Lane::new(route.bits_per_s[lane], route.delay_ms));
        let window = route.window_ms.1;
        let id = self.lay_pipe(Some(at), nodes, lanes);
        let names = nodes.map(|node| &self.nodes[node].seat.name);
        let detail = json!({"pipe": id, "to": names[1]});
        self.log.line(self.now, names[0], "connect", &detail);
        if !self.is_healed && self.chance(self.plan.cut) {
            // Most that is sent is sent at the beginning, so most cuts are early.
            let within = window >> self.rng.random_range(0..12);
            let cut = self.now + self.rng.random_range(0..=within);
            self.at(cut, Happening::Break { pipe: id });
        }
        let places = nodes.map(|node| self.nodes[node].place.clone());
        let links = self.pipes[&id].ends.map(|end| LinkId(end.link));
        let [caller, listener] = places;
        self.turn(nodes[0], |core, turn| {
            core.link_opened(turn, links[0], listener, Some(Route::target(at)));
        })?;
        self.turn(nodes[1], |core, turn| {
            core.link_opened(turn, links[1], caller, None);
        })
    }

    fn lay_pipe(&mut self, route: Option<usize>, nodes: [usize; 2], lanes: [Lane; 2]) -> u64 {
        self.last_pipe += 1;
        let id = self.last_pipe;
        let ends = [0, 1].map(|end| {
            let node = &mut self.nodes[nodes[end]];
            let is_open = route.is_some() || end == 1;
            if is_open {
                node.last_link += 1;
                node.links.insert(node.last_link, (id, end));
            }
            End {
                node: nodes[end],
                link: node.last_link,
                is_open,
            }
        });
        let pipe = Pipe {
            route,
            ends,
            lanes,
            is_cut: false,
            tape: Vec::new(),
        };
        self.pipes.insert(id, pipe);
        id
    }

    pub(crate) fn arrived(&mut self, id: u64, lane: usize) -> Result<(), Broken> {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return Ok(());
        };
        let Some(bytes) = pipe.lanes[lane].arrived(self.now) else {
            return Ok(());
        };
        if lane == 0 && pipe.tape.len() < TAPE_BYTES_MAX {
            pipe.tape.extend_from_slice(&bytes);
        }
        if bytes.len() > 1 && self.chance(self.plan.split) {
            let at = self.rng.random_range(1..bytes.len());
            let (first, rest) = bytes.split_at(at);
            self.deliver(id, 1 - lane, first.to_vec())?;
            return self.deliver(id, 1 - lane, rest.to_vec());
        }
        self.deliver(id, 1 - lane, bytes)
    }

    fn deliver(&mut self, id: u64, end: usize, bytes: Vec<u8>) -> Result<(), Broken> {
        let Some(end) = self.pipes.get(&id).map(|pipe| pipe.ends[end]) else {
            return Ok(());
        };
        if !end.is_open {
            return Ok(());
        }
        let link = LinkId(end.link);
        self.turn(end.node, |core, turn| core.link_received(turn, link, bytes))
    }

    /// The way is gone under both ends; what was half-way arrives half.
    pub(crate) fn break_pipe(&mut self, id: u64) -> Result<(), Broken> {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return Ok(());
        };
        pipe.is_cut = true;
        for lane in 0..2 {
            let pipe = self.pipes.get_mut(&id).expect("nothing takes it away here");
            if let Some(part) = pipe.lanes[lane].cut(self.now) {
                let detail = json!({"pipe": id, "lane": lane, "bytes": part.len()});
                self.log
                    .line(self.now, "world", "cut in mid-frame", &detail);
                self.deliver(id, 1 - lane, part)?;
            }
        }
        for end in 0..2 {
            let notice = self.plan.notice_ms.draw(&mut self.rng);
            let gone = Happening::Gone {
                pipe: id,
                end,
                code: None,
            };
            self.at(self.now + notice, gone);
        }
        Ok(())
    }

    pub(crate) fn gone(&mut self, id: u64, end: usize, code: Option<u16>) -> Result<(), Broken> {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return Ok(());
        };
        let End {
            node,
            link,
            is_open,
        } = pipe.ends[end];
        pipe.ends[end].is_open = false;
        if pipe.ends.iter().all(|end| !end.is_open) {
            self.lay_aside(id);
        }
        if !is_open {
            return Ok(());
        }
        self.nodes[node].links.remove(&link);
        self.turn(node, |core, turn| {
            core.link_closed(turn, LinkId(link), code, None);
        })
    }

    /// Both ends are gone. Somebody on the way may have kept what went over it.
    fn lay_aside(&mut self, id: u64) {
        let Some(pipe) = self.pipes.remove(&id) else {
            return;
        };
        let is_kept = pipe.route.is_some() && !pipe.tape.is_empty() && !self.is_healed;
        if is_kept && self.chance(self.plan.replay) {
            self.tapes.push(Tape {
                listener: pipe.ends[1].node,
                caller: self.nodes[pipe.ends[0].node].place.clone(),
                bytes: pipe.tape,
            });
            let later = self.rng.random_range(SECOND..10 * DAY);
            let tape = self.tapes.len() - 1;
            self.at(self.now + later, Happening::Replay { tape });
        }
    }

    /// The same session once more, by somebody who cannot read the answers.
    pub(crate) fn replay(&mut self, tape: usize) -> Result<(), Broken> {
        let listener = self.tapes[tape].listener;
        if self.is_healed || self.nodes[listener].core.is_none() {
            return Ok(());
        }
        let (caller, bytes) = (
            self.tapes[tape].caller.clone(),
            self.tapes[tape].bytes.clone(),
        );
        let lanes = [(); 2].map(|()| Lane::new(1_000_000, 1));
        let id = self.lay_pipe(None, [listener, listener], lanes);
        let detail = json!({"pipe": id, "bytes": bytes.len()});
        self.log
            .line(self.now, &self.nodes[listener].seat.name, "replay", &detail);
        let link = LinkId(self.pipes[&id].ends[1].link);
        self.turn(listener, |core, turn| {
            core.link_opened(turn, link, caller, None);
        })?;
        self.deliver(id, 1, bytes)?;
        let ends = self.now + self.rng.random_range(0..MINUTE);
        let gone = Happening::Gone {
            pipe: id,
            end: 1,
            code: None,
        };
        self.at(ends, gone);
        Ok(())
    }

    pub(crate) fn closed(&mut self, at: usize, life: u32, link: u64) -> Result<(), Broken> {
        if self.nodes[at].life != life {
            return Ok(());
        }
        self.turn(at, |core, turn| {
            core.link_closed(turn, LinkId(link), None, None);
        })
    }

    /// Plans the next window of a route.
    pub(crate) fn plan_window(&mut self, at: usize) {
        let route = &mut self.routes[at];
        route.window += 1;
        let window = route.window;
        let mut opens = if self.is_healed {
            self.now
        } else {
            self.now + route.dark_ms.draw(&mut self.rng)
        };
        if let Some((begin, end)) = route.silent
            && (begin..end).contains(&opens)
        {
            opens = end + self.rng.random_range(0..HOUR);
        }
        let happening = Happening::Window {
            route: at,
            window,
            opens: true,
        };
        self.at(opens, happening);
    }

    pub(crate) fn window(&mut self, at: usize, window: u64, opens: bool) -> Result<(), Broken> {
        let route = &mut self.routes[at];
        if route.window != window {
            return Ok(());
        }
        route.is_open = opens;
        if opens {
            let waiting = route.waiting.take();
            route.failures = 0;
            let (caller, listener, delay) = (route.caller, route.listener, route.delay_ms);
            let lasts = route.window_ms.draw(&mut self.rng);
            let closes = Happening::Window {
                route: at,
                window,
                opens: false,
            };
            self.at(self.now + lasts, closes);
            if let Some(life) = waiting {
                self.at(self.now + 2 * delay, Happening::Dialled { route: at, life });
            }
            // A superior has windows with everybody below it, and no worse power than they.
            self.maybe_power_cut(caller, self.plan.power_at_work / 5, lasts);
            self.maybe_power_cut(listener, self.plan.power_at_work / 25, lasts);
            return Ok(());
        }
        let open: Vec<u64> = self
            .pipes
            .iter()
            .filter(|(_, pipe)| pipe.route == Some(at) && !pipe.is_cut)
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            self.break_pipe(id)?;
        }
        if !self.is_healed {
            self.plan_window(at);
        }
        Ok(())
    }
}
