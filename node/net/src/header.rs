//! What of a packet's head is in clear: which handshake it belongs to, and how far that is (RFC 9000, section 17).

/// In the first byte of packets of a handshake.
const LONG: u8 = 0x80;

/// A packet of a handshake, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Initial,
    Early,
    Handshake,
}

/// One packet of a handshake, of perhaps several in one datagram.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Long<'p> {
    pub(crate) kind: Kind,
    /// The id that its sender has given itself.
    pub(crate) source: &'p [u8],
}

/// Whether it is of a handshake.
pub(crate) fn is_long(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & LONG != 0)
}

/// Whether a packet of a link goes to this id. Where an id ends is known to who has given it alone.
pub(crate) fn goes_to(datagram: &[u8], id: &[u8]) -> bool {
    !is_long(datagram) && datagram.get(1..).is_some_and(|rest| rest.starts_with(id))
}

/// The packets of a handshake in a datagram, as far as they can be told.
pub(crate) fn longs(mut datagram: &[u8]) -> impl Iterator<Item = Long<'_>> {
    std::iter::from_fn(move || {
        let (long, rest) = long(datagram)?;
        datagram = rest;
        Some(long)
    })
}

fn long(bytes: &[u8]) -> Option<(Long<'_>, &[u8])> {
    let (first, rest) = bytes
        .split_first()
        .filter(|(first, _)| **first & LONG != 0)?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let kind = match (first >> 4) & 3 {
        // An offer of versions has another form, and a call to try again ends its datagram.
        _ if *version == [0; 4] => return None,
        0 => Kind::Initial,
        1 => Kind::Early,
        2 => Kind::Handshake,
        _ => return None,
    };
    let (_, rest) = counted(rest)?;
    let (source, rest) = counted(rest)?;
    let rest = if kind == Kind::Initial {
        let (token, rest) = number(rest)?;
        rest.get(token..)?
    } else {
        rest
    };
    let (length, rest) = number(rest)?;
    Some((Long { kind, source }, rest.get(length..)?))
}

/// Bytes behind a byte that counts them.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// A number of one to eight bytes (section 16).
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let first = bytes.first()?;
    let (number, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = number
        .iter()
        .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let length_bits = 8 * number.len() - 2;
    let value = value & ((1 << length_bits) - 1);
    Some((usize::try_from(value).ok()?, rest))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A packet of a handshake with its sender's id and so many bytes of content.
    pub(crate) fn packet(kind: Kind, source: &[u8], content: usize) -> Vec<u8> {
        let (number, token): (u8, &[u8]) = match kind {
            Kind::Initial => (0, &[0]),
            Kind::Early => (1, &[]),
            Kind::Handshake => (2, &[]),
        };
        let mut bytes = vec![0xc0 | number << 4, 0, 0, 0, 1, 2, 7, 7];
        bytes.push(u8::try_from(source.len()).unwrap());
        bytes.extend_from_slice(source);
        bytes.extend_from_slice(token);
        bytes.extend((u16::try_from(content).unwrap() | 0x4000).to_be_bytes());
        bytes.extend(vec![0; content]);
        bytes
    }

    #[test]
    fn packets_in_one_datagram_are_told_apart() {
        let both = [
            packet(Kind::Initial, &[1, 2, 3, 4], 300),
            packet(Kind::Handshake, &[1, 2, 3, 4], 70),
            vec![0x40, 9, 9, 9, 9, 1, 2],
        ]
        .concat();
        let kinds: Vec<Kind> = longs(&both).map(|long| long.kind).collect();
        assert_eq!(kinds, [Kind::Initial, Kind::Handshake]);
        assert!(longs(&both).all(|long| long.source == [1, 2, 3, 4]));
        assert!(is_long(&both) && !goes_to(&both, &[7, 7]));
        assert!(goes_to(&[0x40, 9, 9, 9, 9, 1], &[9, 9, 9, 9]));
        assert!(!goes_to(&[0x40, 9], &[9, 9]) && !goes_to(&[], &[]));
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        let whole = packet(Kind::Initial, &[1, 2, 3, 4], 300);
        for end in 0..whole.len() {
            assert_eq!(longs(&whole[..end]).count(), 0, "{end}");
        }
        assert_eq!(longs(&whole).count(), 1);
        assert_eq!(longs(&[0xff; 40]).count(), 0);
        assert_eq!(longs(&[[0x80; 5].as_slice(), &[0; 60]].concat()).count(), 1);
        assert_eq!(longs(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0]).count(), 0);
    }
}
