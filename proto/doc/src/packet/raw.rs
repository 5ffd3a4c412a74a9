//! Changes as they are, one behind the other.

use super::bounds::count_changes;
use super::{Member, PacketError, RAW};

/// Where a chunk says what it is, and what it says if it is deflated.
const CHUNK_KIND: usize = 8;
const DEFLATED: u8 = 2;

pub(super) fn raw(members: &[Member<'_>]) -> Vec<u8> {
    let mut bytes = vec![RAW];
    bytes.extend(postcard::to_stdvec(members).expect("byte strings always encode"));
    bytes
}

/// Several raw changes come inflated: what they cost is then no more than what they weigh. They are counted before
/// there is a list of them.
pub(super) fn read_raw(bytes: &[u8]) -> Result<Vec<Member<'_>>, PacketError> {
    const DAMAGED: PacketError = PacketError::Damaged("raw changes");
    let (count, mut rest) = postcard::take_from_bytes::<usize>(bytes).map_err(|_| DAMAGED)?;
    count_changes(count)?;
    let mut members: Vec<Member<'_>> = Vec::new();
    for _ in 0..count {
        let (member, left) = postcard::take_from_bytes(rest).map_err(|_| DAMAGED)?;
        members.push(member);
        rest = left;
    }
    if !rest.is_empty() {
        return Err(DAMAGED);
    }
    let is_deflated = |member: &Member<'_>| member.change.get(CHUNK_KIND) == Some(&DEFLATED);
    if members.len() > 1 && members.iter().any(is_deflated) {
        return Err(PacketError::Damaged("a deflated change among others"));
    }
    Ok(members)
}
