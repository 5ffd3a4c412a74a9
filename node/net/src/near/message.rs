//! Questions and answers of mDNS: those that are ours are written, and of others what is ours is read.

use std::net::Ipv4Addr;

use data_encoding::HEXLOWER;

/// Of a root; equal where it is the same.
pub(super) type Print = [u8; 8];

/// `_hopluu._udp.local`, as names are sent.
const SERVICE: &[u8] = b"\x07_hopluu\x04_udp\x05local\x00";
const LOCAL: &[u8] = b"\x05local\x00";

/// Before the print, in the text of a service.
const ROOT_KEY: &[u8] = b"root=";

/// Types of records, and the question for all of them.
const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;
const ANY: u16 = 255;

/// The Internet, and that a record replaces what was known before.
const IN: u16 = 1;
const IN_FRESH: u16 = 0x8001;

/// Seconds that a record holds, for programs other than ours: RFC 6762 has two minutes for what names a machine.
const HOLDS_S: u32 = 120;

const IS_ANSWER: u16 = 0x8000;
const IS_AUTHORITY: u16 = 0x0400;
/// What kind of message it is, and whether it failed: anything but 0 is to be passed over.
const KIND_AND_FAILURE: u16 = 0x780f;

/// Longest name, by RFC 1035.
const NAME_BYTES_MAX: usize = 255;

/// What a node says of itself.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) name: &'a str,
    pub(super) port: u16,
    pub(super) print: Print,
}

/// What was said, as far as it is of interest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Who is there?
    Question,
    /// Somebody, under a name of no meaning.
    Answer {
        name: Vec<u8>,
        port: u16,
        print: Print,
    },
}

fn header(flags: u16, questions: u16, answers: u16, more: u16) -> Vec<u8> {
    let fields = [0, flags, questions, answers, 0, more];
    fields.into_iter().flat_map(u16::to_be_bytes).collect()
}

/// Asks for all services of ours.
pub(super) fn question() -> Vec<u8> {
    let mut packet = header(0, 1, 0, 0);
    packet.extend_from_slice(SERVICE);
    packet.extend([PTR, IN].into_iter().flat_map(u16::to_be_bytes));
    packet
}

/// Says all at once that another program would ask for in turn.
pub(super) fn answer(said: &Said<'_>, here: Ipv4Addr) -> Vec<u8> {
    let named = |of: &[u8]| [label(said.name.as_bytes()).as_slice(), of].concat();
    let (service, machine) = (named(SERVICE), named(LOCAL));
    let [high, low] = said.port.to_be_bytes();
    // Neither precedence nor weight.
    let place = [&[0, 0, 0, 0, high, low], machine.as_slice()].concat();
    let text = [ROOT_KEY, HEXLOWER.encode(&said.print).as_bytes()].concat();
    let mut packet = header(IS_ANSWER | IS_AUTHORITY, 0, 1, 3);
    let mut put = |name: &[u8], kind: u16, class: u16, data: &[u8]| {
        packet.extend_from_slice(name);
        packet.extend([kind, class].into_iter().flat_map(u16::to_be_bytes));
        packet.extend(HOLDS_S.to_be_bytes());
        let length = u16::try_from(data.len()).expect("names and texts of ours are short");
        packet.extend(length.to_be_bytes());
        packet.extend_from_slice(data);
    };
    put(SERVICE, PTR, IN, &service);
    put(&service, SRV, IN_FRESH, &place);
    put(&service, TXT, IN_FRESH, &label(&text));
    put(&machine, A, IN_FRESH, &here.octets());
    packet
}

fn label(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("what is put into labels here is short");
    [&[length], text].concat()
}

/// What a packet says; nothing where it is damaged or none of our business.
pub(super) fn read(packet: &[u8]) -> Option<Message> {
    let mut reader = Reader { packet, at: 0 };
    let mut fields = [0; 6];
    for field in &mut fields {
        *field = reader.number()?;
    }
    let [_, flags, questions, answers, authorities, more] = fields;
    if flags & KIND_AND_FAILURE != 0 {
        return None;
    }
    let is_answer = flags & IS_ANSWER != 0;
    for _ in 0..questions {
        let (name, kind) = (reader.name()?, reader.number()?);
        reader.number()?;
        if !is_answer && name == SERVICE && [PTR, ANY].contains(&kind) {
            return Some(Message::Question);
        }
    }
    let records = [answers, authorities, more].map(usize::from);
    is_answer.then(|| reader.service(records.iter().sum()))?
}

/// A packet as it is read. Whatever it holds, each step goes on in it or ends.
struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let taken = self.packet.get(self.at..self.at.checked_add(bytes)?)?;
        self.at += bytes;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    }

    /// A name, in small letters. A part of it may lie further in front, and the rest of that further still.
    fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let (mut at, mut front, mut after) = (self.at, self.at, None);
        loop {
            let length = *self.packet.get(at)?;
            match length {
                0 => {
                    name.push(0);
                    self.at = after.unwrap_or(at + 1);
                    return Some(name);
                }
                1..64 => {
                    let label = self.packet.get(at..=at + usize::from(length))?;
                    name.extend(label.iter().map(u8::to_ascii_lowercase));
                    at += label.len();
                    if name.len() >= NAME_BYTES_MAX {
                        return None;
                    }
                }
                192.. => {
                    let low = *self.packet.get(at + 1)?;
                    after.get_or_insert(at + 2);
                    at = usize::from(length & 63) << 8 | usize::from(low);
                    if at >= front {
                        return None;
                    }
                    front = at;
                }
                64..192 => return None,
            }
        }
    }

    /// The first service of ours in so many records.
    fn service(&mut self, records: usize) -> Option<Message> {
        let mut found: Option<(Vec<u8>, u16)> = None;
        let mut prints: Vec<(Vec<u8>, Print)> = Vec::new();
        for _ in 0..records {
            let (name, kind) = (self.name()?, self.number()?);
            // Its class, and how long it holds.
            self.take(6)?;
            let length = usize::from(self.number()?);
            let data = self.take(length)?;
            let Some(name) = name.strip_suffix(SERVICE).filter(|name| name.len() > 1) else {
                continue;
            };
            match kind {
                SRV if found.is_none() => {
                    let port = data.get(4..)?.first_chunk()?;
                    found = Some((name.to_vec(), u16::from_be_bytes(*port)));
                }
                TXT => prints.extend(print(data).map(|print| (name.to_vec(), print))),
                _ => {}
            }
        }
        let (label, port) = found?;
        let (_, print) = prints.into_iter().find(|(of, _)| *of == label)?;
        let (_, name) = label.split_first()?;
        let name = name.to_vec();
        Some(Message::Answer { name, port, print })
    }
}

/// The print in a text, which may say more.
fn print(mut text: &[u8]) -> Option<Print> {
    while let Some((length, rest)) = text.split_first() {
        let (one, after) = rest.split_at_checked(usize::from(*length))?;
        if let Some(hex) = one.strip_prefix(ROOT_KEY) {
            return HEXLOWER.decode(hex).ok()?.try_into().ok();
        }
        text = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAID: Said<'_> = Said {
        name: "0123456789abcdef",
        port: 7_710,
        print: [0xab; 8],
    };

    fn heard() -> Message {
        Message::Answer {
            name: SAID.name.as_bytes().to_vec(),
            port: SAID.port,
            print: SAID.print,
        }
    }

    fn answered() -> Vec<u8> {
        answer(&SAID, Ipv4Addr::new(10, 0, 0, 7))
    }

    #[test]
    fn a_question_and_an_answer_are_as_rfc_6762_has_them() {
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        let service = "075f686f706c7575045f756470056c6f63616c00";
        let name = format!("10{}", hex(SAID.name.as_bytes()));
        let asked = format!("000000000001000000000000{service}000c0001");
        assert_eq!(hex(&question()), asked);
        let text = hex(format!("root={}", "ab".repeat(8)).as_bytes());
        let records = [
            format!("{service}000c0001000000780025{name}{service}"),
            format!("{name}{service}0021800100000078001e000000001e1e{name}056c6f63616c00"),
            format!("{name}{service}0010800100000078001615{text}"),
            format!("{name}056c6f63616c0000018001000000780004{}", "0a000007"),
        ];
        let said = format!("000084000000000100000003{}", records.concat());
        assert_eq!(hex(&answered()), said);
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&question()), Some(Message::Question));
        assert_eq!(read(&answered()), Some(heard()));
    }

    /// As other programs write, and whoever passes answers on between networks.
    #[test]
    fn a_name_is_read_in_any_letters_and_from_where_it_stood_before() {
        let mut packet = header(IS_ANSWER, 1, 2, 0);
        packet.extend(SERVICE.to_ascii_uppercase());
        packet.extend([0, 12, 0, 1]);
        let at = packet.len();
        let name = label(SAID.name.as_bytes());
        let text = [b"\x04v=12".as_slice(), b"\x15root=abababababababab"].concat();
        let records = [
            (
                &[name.as_slice(), &[192, 12]].concat(),
                SRV,
                vec![0, 0, 0, 0, 30, 30, 0],
            ),
            (&vec![192, u8::try_from(at).unwrap()], TXT, text),
        ];
        for (name, kind, data) in records {
            packet.extend_from_slice(name);
            packet.extend(kind.to_be_bytes());
            packet.extend([0, 1, 0, 0, 0, 120, 0, u8::try_from(data.len()).unwrap()]);
            packet.extend(data);
        }
        assert_eq!(read(&packet), Some(heard()));
    }

    #[test]
    fn what_is_another_service_s_or_leads_in_a_circle_is_passed_over() {
        let other = [
            &header(0, 1, 0, 0)[..],
            b"\x04_ipp\x04_tcp\x05local\x00\x00\x0c\x00\x01",
        ];
        let circle = [&header(IS_ANSWER, 0, 1, 0)[..], &[192, 14, 192, 12, 0, 33]];
        let itself = [&header(IS_ANSWER, 0, 1, 0)[..], &[192, 12, 0, 33]];
        for packet in [other.concat(), circle.concat(), itself.concat()] {
            assert_eq!(read(&packet), None);
        }
    }

    proptest! {
        #[test]
        fn damaged_packets_are_read_or_passed_over(at in 0..300_usize, byte: u8, end in 0..400_usize) {
            let mut packet = answered();
            let at = at % packet.len();
            packet[at] = byte;
            packet.truncate(end);
            let _any = read(&packet);
        }

        #[test]
        fn any_bytes_are_read_or_passed_over(packet in proptest::collection::vec(any::<u8>(), 0..1_500)) {
            let _any = read(&packet);
        }
    }
}
