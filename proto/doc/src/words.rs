//! A text in which something void was written, read past it.
//!
//! The letters stand as Automerge has them: behind the one that their author saw, of several there the
//! latest first. A void insertion keeps its place and is not shown; a void deletion deletes nothing, until
//! somebody who may write there has mended the text.

use std::collections::{BTreeMap, BTreeSet};

use crate::figure::OpId;
use crate::scan::TextOp;
use crate::splice::Splice;

/// How far an edit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its author may write there.
    Counts,
    /// Void.
    Void,
    /// Void, and mended since: what it deleted is deleted, what it inserted is not shown.
    Mended,
}

/// A letter that was ever written.
#[derive(Debug, Clone, Copy)]
struct Letter {
    letter: char,
    /// Whether Automerge shows it.
    is_there: bool,
    /// Whether it counts.
    counts: bool,
}

/// The letters of a text in their order, those that were deleted included.
#[derive(Debug)]
pub(crate) struct Words(Vec<Letter>);

impl Words {
    /// Puts together what was written.
    pub(crate) fn new(ops: impl IntoIterator<Item = (TextOp, Standing)>) -> Self {
        let mut behind: BTreeMap<Option<OpId>, Vec<OpId>> = BTreeMap::new();
        let mut letters = BTreeMap::new();
        let (mut deleted, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for (op, standing) in ops {
            match op {
                TextOp::Insert { op, after, letter } => {
                    behind.entry(after).or_default().push(op);
                    letters.insert(op, (letter, standing == Standing::Counts));
                }
                TextOp::Delete(op) => {
                    deleted.insert(op);
                    if standing != Standing::Void {
                        gone.insert(op);
                    }
                }
            }
        }
        let mut next = Vec::new();
        let mut follow = |op: Option<OpId>, next: &mut Vec<OpId>| {
            let mut ops = behind.remove(&op).unwrap_or_default();
            ops.sort_unstable();
            next.extend(ops);
        };
        follow(None, &mut next);
        let mut ordered = Vec::with_capacity(letters.len());
        while let Some(op) = next.pop() {
            if let Some((letter, is_valid)) = letters.get(&op) {
                ordered.push(Letter {
                    letter: *letter,
                    is_there: !deleted.contains(&op),
                    counts: *is_valid && !gone.contains(&op),
                });
            }
            follow(Some(op), &mut next);
        }
        Self(ordered)
    }

    /// The text as it counts.
    pub(crate) fn text(&self) -> String {
        let counting = self.0.iter().filter(|one| one.counts);
        counting.map(|one| one.letter).collect()
    }

    /// What makes the text that Automerge shows into the one that counts, from the end to the beginning.
    pub(crate) fn mending(&self) -> Vec<Splice> {
        let mut out: Vec<Splice> = Vec::new();
        let (mut at, mut is_open) = (0, false);
        for one in &self.0 {
            if one.is_there == one.counts {
                is_open &= !one.is_there;
                at += usize::from(one.is_there);
                continue;
            }
            if !is_open {
                out.push(Splice {
                    at,
                    delete: 0,
                    insert: String::new(),
                });
                is_open = true;
            }
            if let Some(splice) = out.last_mut() {
                if one.is_there {
                    splice.delete += 1;
                    at += 1;
                } else {
                    splice.insert.push(one.letter);
                }
            }
        }
        out.reverse();
        out
    }
}

#[cfg(test)]
mod tests {
    use hopluu_model::ActorId;

    use super::*;

    fn op(counter: u64) -> OpId {
        OpId {
            counter,
            actor: ActorId([1; 8]),
        }
    }

    /// `abc` by somebody who may, each letter behind the one before.
    fn abc() -> Vec<(TextOp, Standing)> {
        let letters = "abc".chars().zip(1..);
        let insert = |(letter, at)| TextOp::Insert {
            op: op(at),
            after: (at > 1).then(|| op(at - 1)),
            letter,
        };
        letters.map(|one| (insert(one), Standing::Counts)).collect()
    }

    fn mended(words: &Words, there: &str) -> String {
        let mut letters: Vec<char> = there.chars().collect();
        for splice in words.mending() {
            letters.splice(splice.at..splice.at + splice.delete, splice.insert.chars());
        }
        letters.into_iter().collect()
    }

    #[test]
    fn what_is_void_deletes_nothing_and_shows_nothing_until_it_is_mended() {
        let insert = TextOp::Insert {
            op: op(9),
            after: Some(op(1)),
            letter: 'X',
        };
        let edits = |standing| {
            let by_others = [insert, TextOp::Delete(op(2)), TextOp::Delete(op(3))];
            let by_others = by_others.into_iter().map(move |op| (op, standing));
            Words::new(abc().into_iter().chain(by_others))
        };
        assert_eq!(edits(Standing::Counts).text(), "aX");
        assert!(edits(Standing::Counts).mending().is_empty());
        let void = edits(Standing::Void);
        assert_eq!(void.text(), "abc");
        assert_eq!(mended(&void, "aX"), "abc");
        assert_eq!(void.mending().len(), 1);
        assert_eq!(edits(Standing::Mended).text(), "a");
    }

    #[test]
    fn what_somebody_wrote_behind_a_void_letter_stays_where_it_is() {
        let void = TextOp::Insert {
            op: op(8),
            after: Some(op(1)),
            letter: 'X',
        };
        let after_it = TextOp::Insert {
            op: op(9),
            after: Some(op(8)),
            letter: 'y',
        };
        let ops = [(void, Standing::Void), (after_it, Standing::Counts)];
        let words = Words::new(abc().into_iter().chain(ops));
        assert_eq!(words.text(), "aybc");
        assert_eq!(mended(&words, "aXybc"), "aybc");
    }

    #[test]
    fn of_two_letters_at_one_place_the_later_stands_first() {
        let at = |number, letter| TextOp::Insert {
            op: op(number),
            after: None,
            letter,
        };
        let ops = [at(4, 'x'), at(7, 'y')].map(|op| (op, Standing::Counts));
        assert_eq!(Words::new(abc().into_iter().chain(ops)).text(), "yxabc");
    }
}
