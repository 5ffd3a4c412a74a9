//! Links of a rate, a round trip and a queue, driven by the controller.

use std::collections::VecDeque;

use super::*;

const PACKET: u64 = 1_200;

/// A link of a rate, a round trip and a queue, driven by the controller: each acknowledgement lets more go.
struct Simulated {
    now: Instant,
    rate: u64,
    rtt: Duration,
    queue: u64,
    free_at: Instant,
    /// When each packet on its way was sent, and when its acknowledgement comes back; lost ones never do.
    flying: VecDeque<(Instant, Option<Instant>)>,
    sent: u64,
    overrun: u64,
    delivered: u64,
    longest: Duration,
}

impl Simulated {
    fn new(rate: u64, rtt: Duration) -> Self {
        let now = Instant::now();
        Self {
            now,
            rate,
            rtt,
            queue: 32_768,
            free_at: now,
            flying: VecDeque::new(),
            sent: 0,
            overrun: 0,
            delivered: 0,
            longest: Duration::ZERO,
        }
    }

    /// Runs for a time; of every hundred packets so many are lost.
    fn run(&mut self, controller: &mut Carrying, time: Duration, losses: u64) {
        let end = self.now + time;
        while self.now < end {
            let flying = u64::try_from(self.flying.len()).unwrap() * PACKET;
            if flying + PACKET <= controller.window() {
                self.send(losses);
            } else {
                self.answer(controller);
            }
        }
    }

    fn send(&mut self, losses: u64) {
        self.sent += 1;
        let waiting = self.free_at.saturating_duration_since(self.now);
        if product(self.rate, waiting) + PACKET > self.queue {
            self.overrun += 1;
            self.flying.push_back((self.now, None));
            return;
        }
        let sending = Duration::from_micros(PACKET * 1_000_000 / self.rate);
        self.free_at = self.now + waiting + sending;
        let is_lost = (self.sent * 37) % 100 < losses;
        let answer = (!is_lost).then_some(self.free_at + self.rtt);
        self.flying.push_back((self.now, answer));
    }

    fn answer(&mut self, controller: &mut Carrying) {
        let Some((sent, answer)) = self.flying.pop_front() else {
            return;
        };
        let Some(at) = answer else {
            controller.on_congestion_event(self.now, sent, false, PACKET);
            if self.flying.iter().all(|(_, answer)| answer.is_none()) {
                // Nothing behind it shows the loss: a timer does.
                self.now += self.rtt * 2;
            }
            return;
        };
        self.now = self.now.max(at);
        self.longest = self.longest.max(self.now - sent);
        self.delivered += PACKET;
        controller.acknowledged(self.now, sent, PACKET, false);
    }
}

fn share(part: u64, whole: u64) -> u64 {
    part * 100 / whole.max(1)
}

const LINKS: [(u64, u64); 5] = [
    (1_200, 1_200),
    (8_000, 600),
    (48_000, 600),
    (125_000, 80),
    (1_250_000, 20),
];

#[test]
fn a_link_is_filled_and_its_queue_is_not() {
    for (rate, ms) in LINKS {
        let mut link = Simulated::new(rate, Duration::from_millis(ms));
        let mut controller = Carrying::new(Expected::default(), link.now, 1_200);
        let time = Duration::from_secs(60);
        link.run(&mut controller, time, 0);
        let carried = share(link.delivered, product(rate, time));
        assert!(carried >= 93, "{rate} bytes/s, {ms} ms: {carried} %");
        let overrun = link.overrun * 1_000 / link.sent;
        assert!(overrun <= 5, "{rate} bytes/s, {ms} ms: {overrun} per mille");
    }
}

/// A link over which a few words went before: they come sooner than a full packet can.
#[test]
fn a_link_is_filled_after_a_talk_as_well() {
    for (rate, ms) in LINKS {
        let mut link = Simulated::new(rate, Duration::from_millis(ms));
        let mut controller = Carrying::new(Expected::default(), link.now, 1_200);
        for _ in 0..3 {
            let sent = link.now;
            link.now += link.rtt + Duration::from_micros(40 * 1_000_000 / rate);
            controller.acknowledged(link.now, sent, 40, true);
        }
        link.free_at = link.now;
        let time = Duration::from_secs(10);
        link.run(&mut controller, time, 0);
        let carried = share(link.delivered, product(rate, time - link.rtt));
        assert!(carried >= 90, "{rate} bytes/s, {ms} ms: {carried} %");
    }
}

/// Once both ends answered at once; now others run on their processors.
#[test]
fn busy_machines_do_not_slow_a_fast_link() {
    let mut link = Simulated::new(10_000_000, Duration::from_micros(100));
    link.queue = 1 << 20;
    let mut controller = Carrying::new(Expected::default(), link.now, 1_200);
    link.run(&mut controller, Duration::from_secs(1), 0);
    link.rtt = Duration::from_millis(15);
    let (before, time) = (link.delivered, Duration::from_secs(10));
    link.run(&mut controller, time, 0);
    let carried = share(link.delivered - before, product(10_000_000, time));
    assert!(carried >= 80, "{carried} %");
}

#[test]
fn acknowledgements_that_come_all_at_once_are_no_faster_link() {
    let mut link = Simulated::new(8_000, Duration::from_millis(600));
    let mut controller = Carrying::new(Expected::default(), link.now, 1_200);
    link.run(&mut controller, Duration::from_secs(20), 0);
    for _ in 0..20 {
        link.now += Duration::from_millis(500);
        link.run(&mut controller, Duration::from_secs(3), 0);
        let rate = controller.rate();
        assert!(rate <= 8_800, "{rate}");
    }
}

/// Receivers acknowledge every other packet: what comes with the first answer of a round took no time of its own.
#[test]
fn packets_that_are_acknowledged_together_are_no_faster_link() {
    let begun = Instant::now();
    let mut controller = Carrying::new(Expected::default(), begun, 1_200);
    for pair in 1..=15 {
        let now = begun + Duration::from_millis(600 + 300 * pair);
        for _ in 0..2 {
            controller.acknowledged(now, begun, PACKET, false);
        }
        let rate = controller.rate();
        assert!(rate <= 8_000, "{rate} after {pair} pairs");
    }
    assert!(controller.rate() > 7_000, "{}", controller.rate());
}

#[test]
fn random_loss_is_not_taken_for_a_full_link() {
    for (rate, ms) in LINKS {
        let mut link = Simulated::new(rate, Duration::from_millis(ms));
        let mut controller = Carrying::new(Expected::default(), link.now, 1_200);
        let time = Duration::from_secs(60);
        link.run(&mut controller, time, 5);
        let carried = share(link.delivered, product(rate, time));
        assert!(carried >= 80, "{rate} bytes/s, {ms} ms: {carried} %");
    }
}

#[test]
fn a_rate_that_was_set_is_kept() {
    let mut link = Simulated::new(125_000, Duration::from_millis(80));
    let expected = Expected {
        rate_max: Some(50_000),
        ..Expected::default()
    };
    let mut controller = Carrying::new(expected, link.now, 1_200);
    let time = Duration::from_secs(60);
    link.run(&mut controller, time, 0);
    let carried = share(link.delivered, product(50_000, time));
    assert!((70..=102).contains(&carried), "{carried} %");
}

#[test]
fn a_link_that_has_become_faster_or_slower_is_felt() {
    let mut link = Simulated::new(8_000, Duration::from_millis(600));
    let mut controller = Carrying::new(Expected::default(), link.now, 1_200);
    link.run(&mut controller, Duration::from_secs(60), 0);
    link.rate = 48_000;
    link.run(&mut controller, Duration::from_secs(60), 0);
    let before = link.delivered;
    link.run(&mut controller, Duration::from_secs(20), 0);
    let carried = share(link.delivered - before, 48_000 * 20);
    assert!(carried >= 90, "{carried} % of the faster rate");
    link.rate = 8_000;
    link.run(&mut controller, Duration::from_secs(60), 0);
    link.overrun = 0;
    link.run(&mut controller, Duration::from_secs(30), 0);
    assert_eq!(link.overrun, 0, "the queue runs over no more");
}
