//! Ranges of objects: splitting, fingerprints, and what two sides' lists say of each other.
//!
//! Objects lie in a tree by the digits of their id, five bits each. Ids are hashes, so the tree is
//! even; whoever bends it gets a deeper one for himself, 26 levels at most.

use std::cmp::Ordering;

use hopluu_model::{EntryKind, ObjectId};
use serde::{Deserialize, Serialize};

use crate::frame::{Content, Part, at_most};
use crate::limits::{DEPTH_MAX, LEAF_ITEMS_MAX, SPLIT};
use crate::{CloseCode, Item, ItemDigest, ObjectKey};

/// Records come first everywhere: a document's author is known by one.
pub(crate) const RECORDS: u8 = 0;
/// Everything else.
pub(crate) const OTHERS: u8 = 1;

pub(crate) fn class(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::Record => RECORDS,
        EntryKind::Change | EntryKind::Receipt | EntryKind::Attachment => OTHERS,
    }
}

/// A range: all objects of a class whose id begins with these digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Prefix {
    pub(crate) class: u8,
    #[serde(deserialize_with = "at_most::<_, _, { DEPTH_MAX }>")]
    pub(crate) digits: Vec<u8>,
}

impl Prefix {
    pub(crate) fn root(class: u8) -> Self {
        Self {
            class,
            digits: Vec::new(),
        }
    }

    pub(crate) fn child(&self, digit: u8) -> Self {
        let mut digits = self.digits.clone();
        digits.push(digit);
        Self {
            class: self.class,
            digits,
        }
    }

    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, digits) = self.digits.split_last()?;
        Some(Self {
            class: self.class,
            digits: digits.to_vec(),
        })
    }

    /// Whether such a range can exist.
    pub(crate) fn check(&self) -> Result<(), CloseCode> {
        let fits = self.class <= OTHERS
            && self.digits.len() <= DEPTH_MAX
            && self.digits.iter().all(|digit| usize::from(*digit) < SPLIT);
        if fits {
            Ok(())
        } else {
            Err(CloseCode::RangeInvalid)
        }
    }

    fn is_deepest(&self) -> bool {
        self.digits.len() >= DEPTH_MAX
    }

    /// Where an object lies: before, in or after this range.
    fn place(&self, key: &ObjectKey) -> Ordering {
        class(key.kind).cmp(&self.class).then_with(|| {
            for (index, digit) in self.digits.iter().enumerate() {
                match digit_of(&key.object, index).cmp(digit) {
                    Ordering::Equal => {}
                    other => return other,
                }
            }
            Ordering::Equal
        })
    }

    fn covers(&self, other: &Self) -> bool {
        self.class == other.class && other.digits.starts_with(&self.digits)
    }

    /// Bytes on the wire, at most.
    pub(crate) fn weight(&self) -> usize {
        2 + self.digits.len()
    }
}

/// The digit of an id at a place: five bits, the last ones filled up with zeros.
fn digit_of(object: &ObjectId, index: usize) -> u8 {
    let bits = u128::from_be_bytes(object.0);
    let used = 5 * index;
    let digit = if used + 5 <= 128 {
        bits >> (123 - used)
    } else {
        bits << (used + 5).saturating_sub(128)
    };
    u8::try_from(digit & 31).expect("five bits")
}

/// All items of a node in one peer's scope, in the order of ranges.
#[derive(Debug)]
pub(crate) struct Items {
    sorted: Vec<Item>,
    key: [u8; 32],
}

impl Items {
    /// Sorts; what is listed more than once counts as one object with all of its digests.
    pub(crate) fn new(mut items: Vec<Item>, key: [u8; 32]) -> Self {
        items.sort_unstable_by_key(|item| (order(&item.key), item.digest));
        items.dedup();
        let mut sorted: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            match sorted.last_mut() {
                Some(last) if last.key == item.key => {
                    last.digest = ItemDigest::of(&[last.digest.0, item.digest.0].concat());
                }
                _ => sorted.push(item),
            }
        }
        Self { sorted, key }
    }

    pub(crate) fn within(&self, prefix: &Prefix) -> &[Item] {
        let before = |item: &Item| prefix.place(&item.key) == Ordering::Less;
        let not_after = |item: &Item| prefix.place(&item.key) != Ordering::Greater;
        let start = self.sorted.partition_point(before);
        let end = self.sorted.partition_point(not_after);
        self.sorted.get(start..end).unwrap_or_default()
    }

    fn print(&self, items: &[Item]) -> Option<[u8; 8]> {
        if items.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for item in items {
            hasher.update(item.key.object.as_bytes());
            hasher.update(&[item.key.kind.number()]);
            hasher.update(&item.digest.0);
        }
        let mut print = [0; 8];
        hasher.finalize_xof().fill(&mut print);
        Some(print)
    }

    /// A print for every child of a range, none for an empty one.
    pub(crate) fn prints(&self, prefix: &Prefix) -> Vec<Option<[u8; 8]>> {
        children(prefix)
            .map(|child| self.print(self.within(&child)))
            .collect()
    }

    /// What to say of a range: all of it if it is small, else a print of each child.
    pub(crate) fn describe(&self, prefix: Prefix) -> Part {
        let within = self.within(&prefix);
        let content = if within.len() <= LEAF_ITEMS_MAX || prefix.is_deepest() {
            Content::Leaf(within.to_vec())
        } else {
            let prints = self.prints(&prefix);
            let bit = |(index, print): (usize, &Option<_>)| u32::from(print.is_some()) << index;
            Content::Split {
                present: prints.iter().enumerate().map(bit).sum(),
                prints: prints.into_iter().flatten().collect(),
            }
        };
        Part { prefix, content }
    }
}

/// The order of ranges: records first, then by object, then by kind.
fn order(key: &ObjectKey) -> (u8, ObjectId, EntryKind) {
    (class(key.kind), key.object, key.kind)
}

pub(crate) fn children(prefix: &Prefix) -> impl Iterator<Item = Prefix> + '_ {
    (0..32).map(|digit| prefix.child(digit))
}

/// Prints by child, as a peer listed them.
pub(crate) fn spread(present: u32, prints: &[[u8; 8]]) -> Vec<Option<[u8; 8]>> {
    let mut given = prints.iter().copied();
    (0..SPLIT)
        .map(|index| {
            let is_present = (present >> index) & 1 == 1;
            if is_present { given.next() } else { None }
        })
        .collect()
}

/// How two lists of one range differ. Both are sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Held here only.
    pub(crate) mine: Vec<ObjectKey>,
    /// Held there only.
    pub(crate) theirs: Vec<ObjectKey>,
    /// Held by both, not the same.
    pub(crate) both: Vec<ObjectKey>,
}

impl Difference {
    pub(crate) fn between(mine: &[Item], theirs: &[Item]) -> Self {
        let mut difference = Self::default();
        let (mut mine, mut theirs) = (mine.iter().peekable(), theirs.iter().peekable());
        loop {
            let side = match (mine.peek(), theirs.peek()) {
                (None, None) => return difference,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(here), Some(there)) => order(&here.key).cmp(&order(&there.key)),
            };
            match side {
                Ordering::Less => difference.mine.extend(mine.next().map(|item| item.key)),
                Ordering::Greater => difference.theirs.extend(theirs.next().map(|item| item.key)),
                Ordering::Equal => {
                    let pair = mine.next().zip(theirs.next());
                    let differs = pair.filter(|(here, there)| here.digest != there.digest);
                    difference.both.extend(differs.map(|(here, _)| here.key));
                }
            }
        }
    }
}

/// Checks a peer's ranges: each can exist, none repeats or overlaps, leaves hold what lies in them.
pub(crate) fn check_parts(parts: &[Part]) -> Result<(), CloseCode> {
    for part in parts {
        part.prefix.check()?;
        let fits = match &part.content {
            Content::Split { present, prints } => {
                usize::try_from(present.count_ones()) == Ok(prints.len())
                    && !part.prefix.is_deepest()
            }
            Content::Leaf(items) => {
                let inside = |item: &Item| part.prefix.place(&item.key) == Ordering::Equal;
                items.len() <= LEAF_ITEMS_MAX
                    && items.iter().all(inside)
                    && items.is_sorted_by(|a, b| order(&a.key) < order(&b.key))
            }
        };
        if !fits {
            return Err(CloseCode::RangeInvalid);
        }
    }
    let apart = |pair: &[Part]| match pair {
        [one, next] => one.prefix < next.prefix && !one.prefix.covers(&next.prefix),
        _ => true,
    };
    if parts.windows(2).all(apart) {
        Ok(())
    } else {
        Err(CloseCode::RangeInvalid)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn item((object, kind, digest): (u8, u8, u8)) -> Item {
        Item {
            key: ObjectKey {
                object: ObjectId([object.wrapping_mul(29); 16]),
                kind: EntryKind::from_number(1 + kind).unwrap(),
            },
            digest: ItemDigest([digest; 16]),
        }
    }

    fn by_key(items: &[Item]) -> BTreeMap<ObjectKey, ItemDigest> {
        items.iter().map(|item| (item.key, item.digest)).collect()
    }

    #[test]
    fn digits_spell_the_whole_id() {
        let id = ObjectId([0xff; 16]);
        let digits: Vec<u8> = (0..DEPTH_MAX).map(|index| digit_of(&id, index)).collect();
        assert_eq!(digits[..25], [31; 25]);
        assert_eq!(digits[25], 0b11100, "three bits and two zeros");
        let one = ObjectId(1u128.to_be_bytes());
        assert_eq!(digit_of(&one, 25), 0b00100);
    }

    #[test]
    fn the_deepest_range_is_given_whole() {
        let items = [1, 3, 4].map(|kind| item((7, kind - 1, 0)));
        let items = Items::new(items.to_vec(), [0; 32]);
        let digits = (0..DEPTH_MAX).map(|index| digit_of(&ObjectId([203; 16]), index));
        let deepest = Prefix {
            class: OTHERS,
            digits: digits.collect(),
        };
        assert_eq!(items.within(&deepest).len(), 3);
        assert_eq!(
            items.describe(deepest.clone()).content,
            Content::Leaf(items.sorted.clone())
        );
        let split = Content::Split {
            present: 0,
            prints: Vec::new(),
        };
        let part = Part {
            prefix: deepest,
            content: split,
        };
        assert_eq!(check_parts(&[part]), Err(CloseCode::RangeInvalid));
    }

    proptest! {
        #[test]
        fn a_difference_is_what_sets_say(
            mine in proptest::collection::vec((any::<u8>(), 0..4u8, 0..2u8), 0..40),
            theirs in proptest::collection::vec((any::<u8>(), 0..4u8, 0..2u8), 0..40),
        ) {
            let list = |items: Vec<_>| Items::new(items.into_iter().map(item).collect(), [0; 32]);
            let (mine, theirs) = (list(mine), list(theirs));
            let difference = Difference::between(&mine.sorted, &theirs.sorted);
            let (here, there) = (by_key(&mine.sorted), by_key(&theirs.sorted));
            let mut expected = Difference::default();
            for item in &mine.sorted {
                match there.get(&item.key) {
                    None => expected.mine.push(item.key),
                    Some(digest) if *digest != item.digest => expected.both.push(item.key),
                    Some(_) => {}
                }
            }
            let only = theirs.sorted.iter().filter(|item| !here.contains_key(&item.key));
            expected.theirs = only.map(|item| item.key).collect();
            prop_assert_eq!(difference, expected);
        }

        #[test]
        fn children_share_out_a_range(
            list in proptest::collection::vec((any::<u8>(), 0..4u8, 0..2u8), 0..200),
            digits in proptest::collection::vec(0..32u8, 0..3),
        ) {
            let items = Items::new(list.into_iter().map(item).collect(), [7; 32]);
            for class in [RECORDS, OTHERS] {
                let prefix = Prefix { class, digits: digits.clone() };
                let parts: Vec<Item> =
                    children(&prefix).flat_map(|child| items.within(&child).to_vec()).collect();
                prop_assert_eq!(&parts, items.within(&prefix));
                let part = items.describe(prefix.clone());
                prop_assert_eq!(check_parts(std::slice::from_ref(&part)), Ok(()));
                if let Content::Split { present, prints } = part.content {
                    prop_assert_eq!(spread(present, &prints), items.prints(&prefix));
                }
            }
        }
    }
}
