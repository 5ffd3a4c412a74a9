//! The parcels that this node holds: its own, and those it carries for others, each a file.
//!
//! ```text
//! HOME/parcels/ID-GIVER-HOPS-SINCE.hlb     an envelope as it came
//! ```
//! They are no part of the database: a backup without them loses nothing that its owner does not still have.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use hopluu_model::{Digest, ErrorChain, NodeId, Timestamp};
use hopluu_sync::parcel::{Answer, Offer, Outcome};
use hopluu_trust::Envelope;
use tokio::sync::Notify;

use crate::home::put_file;
use crate::limits::{
    PARCEL_BYTES_KEPT_MAX, PARCEL_BYTES_PER_GIVER_MAX, PARCEL_HOPS_MAX, PARCEL_LIFE_MS,
    PARCELS_DONE_MAX, PARCELS_KEPT_MAX, PARCELS_PER_GIVER_MAX,
};
use crate::view::ParcelsView;

/// The name of an envelope.
pub(crate) type ParcelId = [u8; 16];

/// A parcel on the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    /// Who handed it over; this node itself where it made it.
    giver: NodeId,
    to: NodeId,
    /// Carriers so far, this node among them; 0 is our own.
    hops: u8,
    bytes: u32,
    since: Timestamp,
    /// Who else is known to have it.
    handed: BTreeSet<NodeId>,
    /// Who has looked at it and will not have it: not asked again before the next start.
    declined: BTreeSet<NodeId>,
}

#[derive(Debug, Default)]
struct Shelf {
    kept: BTreeMap<ParcelId, Kept>,
    /// Those whose addressee has taken them, the oldest first: not to be carried once more.
    done: VecDeque<ParcelId>,
}

/// The parcels of one node. Its calls wait for the disk.
#[derive(Debug)]
pub(crate) struct Stock {
    dir: PathBuf,
    me: NodeId,
    root: Digest,
    /// Whether those of others are carried.
    carries: bool,
    /// Something was taken in that is to be answered.
    pub(crate) came: Notify,
    shelf: Mutex<Shelf>,
}

impl Stock {
    /// Finds what was kept; what is no parcel, or not whole, goes.
    pub(crate) fn open(dir: &Path, me: NodeId, root: Digest, carries: bool) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut shelf = Shelf::default();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            match found(&path).filter(|_| shelf.kept.len() < PARCELS_KEPT_MAX * 2) {
                Some((id, kept)) => drop(shelf.kept.insert(id, kept)),
                None => fs::remove_file(&path)?,
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            me,
            root,
            carries,
            came: Notify::new(),
            shelf: Mutex::new(shelf),
        })
    }

    /// The root of all who give and take.
    pub(crate) fn root(&self) -> &Digest {
        &self.root
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a peer may want: what is for itself first, then one of each giver in turn, the oldest first. So whoever
    /// gave many keeps nobody waiting.
    pub(crate) fn offers(&self, peer: NodeId) -> Vec<Offer> {
        let shelf = self.shelf();
        let wanted = shelf
            .kept
            .iter()
            .filter(|(_, kept)| kept.to == peer || kept.hops < PARCEL_HOPS_MAX)
            .filter(|(_, kept)| kept.giver != peer && !kept.handed.contains(&peer))
            .filter(|(_, kept)| !kept.declined.contains(&peer));
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_by_key(|(id, kept)| (kept.since, **id));
        let mut turns: BTreeMap<NodeId, u32> = BTreeMap::new();
        let mut offers: Vec<_> = wanted
            .into_iter()
            .map(|(id, kept)| {
                let turn = turns.entry(kept.giver).or_default();
                *turn += 1;
                let offer = Offer {
                    id: *id,
                    to: kept.to,
                    bytes: kept.bytes,
                    hops: kept.hops,
                };
                ((kept.to != peer, *turn), offer)
            })
            .collect();
        offers.sort_by_key(|(turn, _)| *turn);
        offers.into_iter().map(|(_, offer)| offer).collect()
    }

    /// What this node says to an offer.
    pub(crate) fn answer(&self, offer: &Offer, giver: NodeId) -> Answer {
        let shelf = self.shelf();
        if shelf.done.contains(&offer.id) {
            return Answer::Delivered;
        }
        if offer.to == self.me {
            return Answer::Want;
        }
        if shelf.kept.contains_key(&offer.id) {
            return Answer::Kept;
        }
        let may_carry = self.carries && offer.hops < PARCEL_HOPS_MAX;
        match may_carry && shelf.has_room(giver, offer.bytes) {
            true => Answer::Want,
            false => Answer::No,
        }
    }

    /// Whether a parcel is for this node.
    pub(crate) fn is_mine(&self, offer: &Offer) -> bool {
        offer.to == self.me
    }

    /// What is checked of whatever comes: that it is an envelope as it was offered, by somebody under our root.
    pub(crate) fn is_sound(&self, offer: &Offer, bytes: &[u8]) -> bool {
        Envelope::read(bytes).is_ok_and(|(address, envelope)| {
            envelope.id().0 == offer.id
                && address.to.node == offer.to
                && address.line(&self.root).is_ok()
        })
    }

    /// Takes a parcel of somebody else, to carry it on.
    pub(crate) fn keep(
        &self,
        offer: &Offer,
        bytes: &[u8],
        giver: NodeId,
        now: Timestamp,
    ) -> Outcome {
        match self.answer(offer, giver) {
            Answer::Want if self.is_sound(offer, bytes) => {}
            Answer::Kept => return Outcome::Kept,
            Answer::Want | Answer::No | Answer::Delivered => return Outcome::Refused,
        }
        self.expire(now);
        self.make_room(giver, offer.bytes);
        let kept = Kept {
            giver,
            to: offer.to,
            hops: offer.hops + 1,
            bytes: offer.bytes,
            since: now,
            handed: BTreeSet::new(),
            declined: BTreeSet::new(),
        };
        match self.put(offer.id, kept, bytes) {
            Ok(()) => Outcome::Kept,
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "a parcel cannot be kept");
                Outcome::Refused
            }
        }
    }

    /// Puts what this node owes somebody in the place of what it had made for them before.
    pub(crate) fn replace_own(&self, to: NodeId, parts: &[Vec<u8>], now: Timestamp) {
        self.drop_own(to);
        for bytes in parts {
            let Ok((_, envelope)) = Envelope::read(bytes) else {
                continue;
            };
            let kept = Kept {
                giver: self.me,
                to,
                hops: 0,
                bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                since: now,
                handed: BTreeSet::new(),
                declined: BTreeSet::new(),
            };
            if let Err(error) = self.put(envelope.id().0, kept, bytes) {
                tracing::warn!(error = %ErrorChain(&error), "a parcel cannot be made");
            }
        }
    }

    /// Lets go of what this node has made for somebody: a link says it better.
    pub(crate) fn drop_own(&self, to: NodeId) {
        self.drop_all(|_, kept| kept.to == to && kept.giver == self.me);
    }

    /// Whether anything is here that this node has made for somebody.
    pub(crate) fn has_own(&self, to: NodeId) -> bool {
        let shelf = self.shelf();
        let mut kept = shelf.kept.values();
        kept.any(|kept| kept.to == to && kept.giver == self.me)
    }

    /// The parcels of others.
    pub(crate) fn carried(&self) -> BTreeSet<ParcelId> {
        let shelf = self.shelf();
        let others = shelf.kept.iter().filter(|(_, kept)| kept.giver != self.me);
        others.map(|(id, _)| *id).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shelf().kept.is_empty()
    }

    /// The bytes of a parcel, if it is still here.
    pub(crate) fn read(&self, id: ParcelId) -> Option<Vec<u8>> {
        let kept = self.shelf().kept.get(&id).cloned()?;
        fs::read(self.path(id, &kept)).ok()
    }

    /// Remembers that a peer has a parcel. Only of its addressee's word it is let go of: who else says that it has
    /// arrived may be wrong.
    pub(crate) fn handed(&self, id: ParcelId, peer: NodeId, is_delivered: bool) {
        let mut shelf = self.shelf();
        let Some(kept) = shelf.kept.get_mut(&id) else {
            return;
        };
        kept.handed.insert(peer);
        let is_done = is_delivered && kept.to == peer;
        drop(shelf);
        if is_done {
            self.done(id);
        }
    }

    /// Remembers that a peer will not have a parcel. It stays: why that is only the peer knows.
    pub(crate) fn declined(&self, id: ParcelId, peer: NodeId) {
        if let Some(kept) = self.shelf().kept.get_mut(&id) {
            kept.declined.insert(peer);
        }
    }

    /// This parcel has arrived.
    pub(crate) fn done(&self, id: ParcelId) {
        self.drop_all(|kept, _| *kept == id);
        let mut shelf = self.shelf();
        if shelf.done.len() >= PARCELS_DONE_MAX {
            shelf.done.pop_front();
        }
        shelf.done.push_back(id);
    }

    /// Lets go of what has been here for its time. By this machine's clock: where that is wrong, a parcel goes early
    /// or late, and whoever made it still owes it.
    pub(crate) fn expire(&self, now: Timestamp) {
        self.drop_all(|_, kept| !(0..PARCEL_LIFE_MS).contains(&now.0.saturating_sub(kept.since.0)));
    }

    fn make_room(&self, giver: NodeId, bytes: u32) {
        loop {
            // The shelf is let go of before anything is dropped from it.
            let in_the_way = self.shelf().in_the_way(self.me, giver, bytes);
            let Some(id) = in_the_way else {
                return;
            };
            self.drop_all(|kept, _| *kept == id);
        }
    }

    fn drop_all(&self, is_dropped: impl Fn(&ParcelId, &Kept) -> bool) {
        let mut shelf = self.shelf();
        let dropped = shelf.kept.extract_if(.., |id, kept| is_dropped(id, kept));
        let dropped: Vec<_> = dropped.collect();
        drop(shelf);
        for (id, kept) in dropped {
            if let Err(error) = fs::remove_file(self.path(id, &kept)) {
                tracing::warn!(error = %ErrorChain(&error), "a parcel stays behind");
            }
        }
    }

    fn path(&self, id: ParcelId, kept: &Kept) -> PathBuf {
        let (id, giver) = (HEXLOWER.encode(&id), HEXLOWER.encode(&kept.giver.0));
        let name = format!("{id}-{giver}-{}-{}.hlb", kept.hops, kept.since.0);
        self.dir.join(name)
    }

    /// Beside its place and then there, so that a cut leaves it whole or not at all.
    fn put(&self, id: ParcelId, kept: Kept, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(id, &kept);
        put_file(&self.dir, &path.with_extension("new"), &path, bytes)?;
        self.shelf().kept.insert(id, kept);
        Ok(())
    }

    /// What a person is shown.
    pub(crate) fn view(&self) -> ParcelsView {
        let shelf = self.shelf();
        let mut view = ParcelsView::default();
        for kept in shelf.kept.values() {
            if kept.giver == self.me {
                view.own += 1;
                view.handed_to.extend(&kept.handed);
            } else {
                view.carried += 1;
                view.bytes += u64::from(kept.bytes);
                view.oldest = view.oldest.into_iter().chain([kept.since]).min();
            }
        }
        view
    }
}

impl Shelf {
    /// How many parcels of somebody are here, and their bytes.
    fn of(&self, giver: NodeId) -> (usize, u64) {
        let theirs = self.kept.values().filter(|kept| kept.giver == giver);
        theirs.fold((0, 0), |(count, bytes), kept| {
            (count + 1, bytes + u64::from(kept.bytes))
        })
    }

    /// Whether a giver has room left. What is kept of others never takes it away: see [`Self::in_the_way`].
    fn has_room(&self, giver: NodeId, more: u32) -> bool {
        let (count, bytes) = self.of(giver);
        count < PARCELS_PER_GIVER_MAX && bytes + u64::from(more) <= PARCEL_BYTES_PER_GIVER_MAX
    }

    /// The oldest of whoever has most here, where all together leave no room: so no flood drives out those who
    /// have given little.
    fn in_the_way(&self, me: NodeId, giver: NodeId, more: u32) -> Option<ParcelId> {
        let others = || self.kept.iter().filter(|(_, kept)| kept.giver != me);
        let bytes: u64 = others().map(|(_, kept)| u64::from(kept.bytes)).sum();
        let is_full =
            others().count() >= PARCELS_KEPT_MAX || bytes + u64::from(more) > PARCEL_BYTES_KEPT_MAX;
        if !is_full {
            return None;
        }
        let givers: BTreeSet<NodeId> = others()
            .map(|(_, kept)| kept.giver)
            .chain([giver])
            .collect();
        let largest = givers.into_iter().max_by_key(|giver| self.of(*giver).1)?;
        let theirs = others().filter(|(_, kept)| kept.giver == largest);
        let oldest = theirs.min_by_key(|(id, kept)| (kept.since, **id));
        oldest.or_else(|| others().next()).map(|(id, _)| *id)
    }
}

/// How many files of a folder of parcels are none; without such a folder none is.
pub(crate) fn no_parcels(dir: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut files = 0;
    for entry in entries {
        files += u64::from(found(&entry?.path()).is_none());
    }
    Ok(files)
}

/// The parcel in a file, by its name and what it holds.
fn found(path: &Path) -> Option<(ParcelId, Kept)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".hlb")?;
    let mut parts = name.splitn(4, '-');
    let id: ParcelId = HEXLOWER
        .decode(parts.next()?.as_bytes())
        .ok()?
        .try_into()
        .ok()?;
    let giver: [u8; 32] = HEXLOWER
        .decode(parts.next()?.as_bytes())
        .ok()?
        .try_into()
        .ok()?;
    let hops = parts.next()?.parse().ok()?;
    let since = Timestamp(parts.next()?.parse().ok()?);
    let bytes = fs::read(path).ok()?;
    let (address, envelope) = Envelope::read(&bytes).ok()?;
    let kept = Kept {
        giver: NodeId(giver),
        to: address.to.node,
        hops,
        bytes: u32::try_from(bytes.len()).ok()?,
        since,
        handed: BTreeSet::new(),
        declined: BTreeSet::new(),
    };
    (envelope.id().0 == id).then_some((id, kept))
}

#[cfg(test)]
mod tests;
