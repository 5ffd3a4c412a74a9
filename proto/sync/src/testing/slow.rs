//! Links that take their time.

use super::World;
use crate::Event;

impl World {
    /// Carries for one hundredth of a second what a slow link carries, both ways; false at rest.
    pub(crate) fn crawl(&mut self, rate: usize, delay_ms: u64) -> bool {
        self.now = self.now.plus_ms(10);
        let (mut cargo, mut moves) = (Vec::new(), false);
        for (id, link) in &mut self.links {
            for end in 0..2 {
                let pipe = &mut link.pipes[end];
                let count = pipe.bytes.len().min(rate / 100);
                if count > 0 {
                    let bytes = pipe.bytes.drain(..count).collect();
                    pipe.line.push_back((self.now.plus_ms(delay_ms), bytes));
                }
                moves |= !pipe.line.is_empty();
                while pipe.line.front().is_some_and(|(due, _)| *due <= self.now) {
                    let (_, bytes) = pipe.line.pop_front().unwrap();
                    cargo.push((*id, link.ends[1 - end], bytes));
                }
            }
        }
        for (link, to, bytes) in cargo {
            self.carried += bytes.len();
            self.tell(to, Event::Received { link, bytes });
        }
        moves
    }
}
