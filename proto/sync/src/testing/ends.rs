//! How links end.

use super::World;
use crate::{CloseCode, Event, LinkId};

impl World {
    /// Cuts a link as a mountain does: nobody says anything.
    pub(crate) fn cut(&mut self, link: LinkId) {
        if let Some(gone) = self.links.remove(&link) {
            for end in gone.ends {
                self.tell(end, closed(link, None, None));
            }
        }
    }

    /// One end closes a link, and the other is told.
    pub(super) fn close(
        &mut self,
        at: usize,
        (link, code): (LinkId, CloseCode),
        again_s: Option<u32>,
    ) {
        self.nodes[at].closed.push((link, code));
        if let Some(open) = self.links.remove(&link) {
            let other = open.ends[usize::from(open.ends[0] == at)];
            self.tell(other, closed(link, Some(code.number()), again_s));
        }
    }
}

fn closed(link: LinkId, code: Option<u16>, again_s: Option<u32>) -> Event {
    Event::LinkClosed {
        link,
        code,
        again_s,
    }
}
