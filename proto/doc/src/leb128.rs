//! Numbers in LEB128, in their shortest form only, as Automerge writes them.

/// The bytes end too early, or a number is not in its shortest form or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadError;

/// Reads forward over bytes that nobody vouches for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    #[cfg(test)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ReadError> {
        let (&byte, rest) = self.rest.split_first().ok_or(ReadError)?;
        self.rest = rest;
        Ok(byte)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ReadError)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, ReadError> {
        if let Some((&byte @ 0..=0x7f, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ReadError);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let overlong = byte == 0 && shift > 0;
                return if overlong { Err(ReadError) } else { Ok(value) };
            }
            shift += 7;
            if shift > 63 {
                return Err(ReadError);
            }
        }
    }

    pub(crate) fn signed(&mut self) -> Result<i64, ReadError> {
        let (mut value, mut shift, mut before) = (0i64, 0u32, 0u8);
        loop {
            let byte = self.byte()?;
            if shift == 63 && byte != 0 && byte != 0x7f {
                return Err(ReadError);
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let repeats_sign =
                    (byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0);
                if shift > 7 && repeats_sign {
                    return Err(ReadError);
                }
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1 << shift;
                }
                return Ok(value);
            }
            if shift > 63 {
                return Err(ReadError);
            }
            before = byte;
        }
    }

    /// A count or length. On 32 bits one that does not fit cannot be in memory either.
    pub(crate) fn count(&mut self) -> Result<usize, ReadError> {
        usize::try_from(self.unsigned()?).map_err(|_| ReadError)
    }
}

/// Appends a number in its shortest form.
pub(crate) fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a number that may be negative in its shortest form.
pub(crate) fn write_signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        // The last byte's highest bit says the sign of what is not there.
        let is_last = match low & 0x40 {
            0 => value == 0,
            _ => value == -1,
        };
        if is_last {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends how many bytes these are.
pub(crate) fn write_length(out: &mut Vec<u8>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_shortest_form_is_read() {
        assert_eq!(Reader::new(&[0x80, 0x00]).unsigned(), Err(ReadError));
        assert_eq!(Reader::new(&[0xff, 0x7f]).signed(), Err(ReadError));
        assert_eq!(Reader::new(&[0x80]).unsigned(), Err(ReadError));
        assert_eq!(Reader::new(&[0xff; 11]).unsigned(), Err(ReadError));
        assert_eq!(Reader::new(&[0xff; 11]).signed(), Err(ReadError));
        assert_eq!(Reader::new(&[0x7f]).signed(), Ok(-1));
        assert_eq!(Reader::new(&[0xc0, 0x00]).signed(), Ok(64));
    }

    proptest! {
        #[test]
        fn signed_round_trips(value: i64) {
            let mut bytes = Vec::new();
            write_signed(&mut bytes, value);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.signed(), Ok(value));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn unsigned_round_trips(value: u64) {
            let mut bytes = Vec::new();
            write_unsigned(&mut bytes, value);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.unsigned(), Ok(value));
            prop_assert!(reader.is_empty());
        }
    }
}
