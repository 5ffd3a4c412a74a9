//! Anything at all, in any order.

use proptest::prelude::*;

use super::turns::packed;
use super::*;
use crate::FileId;
use crate::frame::Fetch;

/// Draws frames from bytes, so that what fails shrinks well.
struct Dice<'d>(std::slice::Iter<'d, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.0.next().copied().unwrap_or(0) % sides
    }

    fn object(&mut self) -> ObjectId {
        ObjectId([self.roll(8) * 32; 16])
    }

    fn kind(&mut self) -> EntryKind {
        EntryKind::from_number(1 + self.roll(4)).unwrap()
    }

    fn file(&mut self) -> FileId {
        FileId {
            hash: Digest([self.roll(4); 32]),
            length: u64::from(self.roll(3)) * 16_384,
        }
    }

    fn part(&mut self) -> Part {
        let prefix = Prefix {
            class: self.roll(2),
            digits: (0..self.roll(3)).map(|_| self.roll(33)).collect(),
        };
        let content = if self.roll(2) == 0 {
            let present = u32::from(self.roll(255));
            Content::Split {
                present,
                prints: vec![[self.roll(3); 8]; present.count_ones() as usize],
            }
        } else {
            let items = (0..self.roll(3)).map(|_| Item {
                key: ObjectKey {
                    object: self.object(),
                    kind: self.kind(),
                },
                digest: ItemDigest([self.roll(3); 16]),
            });
            Content::Leaf(items.collect())
        };
        Part { prefix, content }
    }

    fn frame(&mut self) -> Frame {
        match self.roll(16) {
            0 => Frame::Hello(hello()),
            1 | 2 => {
                let object = match self.roll(3) {
                    0 => Mention::Known(u16::from(self.roll(4))),
                    _ => Mention::New {
                        object: self.object(),
                        descriptor: b"10101".to_vec(),
                    },
                };
                let span = (self.roll(2) == 0).then(|| {
                    let after = u64::from(self.roll(20));
                    (after, after + u64::from(self.roll(9)))
                });
                push(
                    span,
                    object,
                    vec![vec![self.roll(9)]; 1 + usize::from(self.roll(3))],
                )
            }
            3 | 4 => Frame::Ack(Ack {
                pushes: u64::from(self.roll(6)),
                refused: Vec::new(),
            }),
            5 | 6 => {
                let parts = (0..self.roll(3)).map(|_| self.part()).collect();
                Frame::Ask(Ask {
                    is_start: self.roll(2) == 0,
                    records_open: self.roll(2) == 0,
                    parts,
                })
            }
            7 => {
                let parts = (0..self.roll(3)).map(|_| self.part()).collect();
                Frame::Answer(Answer {
                    answered: u32::from(self.roll(4)),
                    parts,
                })
            }
            8 | 9 => {
                let hashes = vec![ShortHash([self.roll(3); 8]); usize::from(self.roll(3))];
                let says = if self.roll(2) == 0 {
                    Says::Have(hashes)
                } else {
                    Says::Want(hashes)
                };
                Frame::Objects(Objects {
                    notes: vec![Note {
                        object: self.object(),
                        kind: self.kind(),
                        says,
                    }],
                })
            }
            10 => Frame::Present(self.file()),
            11 => Frame::Fetch(Fetch {
                file: self.file(),
                first: u16::from(self.roll(3)),
                count: u16::from(self.roll(3)),
            }),
            12 => Frame::Absent,
            13 => Frame::Bytes(vec![self.roll(9); 1 + usize::from(self.roll(9))]),
            _ => Frame::Fin(
                [Fin::Asked, Fin::Sent, Fin::Answered, Fin::Done][usize::from(self.roll(4))],
            ),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_frames_in_any_order_leave_a_sound_hub(
        rolls in proptest::collection::vec(any::<u8>(), 0..300),
        leads in any::<bool>(),
        stuck in 0..20usize,
    ) {
        let mut victim = if leads { leading() } else { Victim::greeted() };
        let mut dice = Dice(rolls.iter());
        for turn in 0..40 {
            if turn == stuck {
                victim.world.nodes[0].is_stuck = true;
            }
            if turn == stuck + 5 {
                victim.world.unstick(0);
            }
            let frame = dice.frame();
            victim.say(&frame);
            assert_sound(&victim);
        }
    }

    /// A few KB on the link.
    #[test]
    fn any_frame_a_thousand_times_leaves_a_sound_hub(
        rolls in proptest::collection::vec(any::<u8>(), 0..60),
        state in 0..3u8,
        times in 1..3_000usize,
    ) {
        let mut victim = match state {
            0 => leading(),
            1 => Victim::served(),
            _ => Victim::greeted(),
        };
        let mut bytes = Vec::new();
        encode(&Dice(rolls.iter()).frame(), &mut bytes);
        victim.hear(&packed(&bytes.repeat(times)));
        assert_sound(&victim);
    }

    #[test]
    fn any_bytes_leave_a_sound_hub(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        is_greeted in any::<bool>(),
    ) {
        let mut victim = if is_greeted { Victim::greeted() } else { Victim::new() };
        victim.hear(&bytes);
        assert_sound(&victim);
    }

    #[test]
    fn a_damaged_frame_leaves_a_sound_hub(
        rolls in proptest::collection::vec(any::<u8>(), 0..60),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut victim = Victim::served();
        let mut bytes = Vec::new();
        encode(&Dice(rolls.iter()).frame(), &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        victim.hear(&bytes);
        assert_sound(&victim);
    }

    #[test]
    fn frames_come_back_as_they_went(rolls in proptest::collection::vec(any::<u8>(), 0..60)) {
        let frame = Dice(rolls.iter()).frame();
        let mut bytes = Vec::new();
        encode(&frame, &mut bytes);
        let mut inlet = crate::inlet::Inlet::new(crate::golden::pair());
        let mut first = Vec::new();
        encode(&Frame::Hello(hello()), &mut first);
        inlet.take(&first);
        inlet.take(&bytes);
        prop_assert_eq!(inlet.next(0), Ok(Some(Frame::Hello(hello()))));
        prop_assert_eq!(inlet.next(0), Ok(Some(frame)));
        prop_assert_eq!(inlet.next(0), Ok(None));
    }

    #[test]
    fn answers_nobody_asked_for_are_passed_over(rolls in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut victim = Victim::greeted();
        let mut dice = Dice(rolls.iter());
        let before = victim.world.nodes[0].asked.clone();
        for _ in 0..20 {
            let ticket = crate::Ticket(1_000_000 + u64::from(dice.roll(9)));
            let link = LINK;
            let event = match dice.roll(6) {
                0 => Event::CheckpointLoaded { link, ticket, checkpoint: crate::Checkpoint::default(), ahead: crate::Ahead::default() },
                1 => Event::Applied { link, ticket, refused: Vec::new(), last: Seq(0) },
                2 => Event::ItemsRead { link, ticket, items: vec![item(1)] },
                3 => Event::HashesRead { link, ticket, held: Vec::new() },
                4 => Event::Saved { link, ticket },
                _ => Event::Woken,
            };
            victim.world.tell(0, event);
        }
        prop_assert_eq!(&victim.world.nodes[0].asked, &before);
    }
}
