//! What a change did to one text, letter by letter.

use hopluu_model::ActorId;

use super::ops::{Key, Ref};
use super::{Chunk, Parts, ScanError, ScanLimits, ScannedChange, TextObject};
use crate::figure::OpId;
use crate::layout::GENESIS_ACTOR;

/// One operation on a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextOp {
    /// A letter behind another one, or at the beginning.
    Insert {
        op: OpId,
        after: Option<OpId>,
        letter: char,
    },
    /// Takes a letter out.
    Delete(OpId),
}

/// The operations of a scanned change on one text, in order.
pub(crate) fn text_ops(
    change: &ScannedChange,
    object: TextObject,
    limits: &ScanLimits,
) -> Result<Vec<TextOp>, ScanError> {
    let chunk = Chunk::read(&change.bytes, limits)?;
    let mut parts = Parts::read(&chunk, limits)?;
    let actors = parts.head.actors.clone();
    let actor = |at: u64| usize::try_from(at).ok().and_then(|at| actors.get(at));
    let op_id = |named: Ref| {
        let actor = actor(named.actor).and_then(|actor| ActorId::try_from(*actor).ok());
        Some(OpId {
            counter: named.counter,
            actor: actor?,
        })
    };
    let is_meant = |named: Ref| match object {
        TextObject::Genesis(counter) => {
            named.counter == counter && actor(named.actor).is_some_and(|at| **at == GENESIS_ACTOR)
        }
        TextObject::Derived(op) => op_id(named) == Some(op),
    };
    let mut ops = Vec::new();
    while let Some(raw) = parts.next()? {
        if !raw.object.is_some_and(is_meant) {
            continue;
        }
        let at = match raw.key {
            Key::Head => None,
            Key::Element(named) => op_id(named),
            Key::Text(_) => continue,
        };
        if raw.insert {
            let op = OpId {
                counter: raw.counter,
                actor: change.actor,
            };
            let letter = raw.text().and_then(|text| text.chars().next());
            ops.extend(letter.map(|letter| TextOp::Insert {
                op,
                after: at,
                letter,
            }));
        } else {
            ops.extend(at.map(TextOp::Delete));
        }
    }
    Ok(ops)
}
