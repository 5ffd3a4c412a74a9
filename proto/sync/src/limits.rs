//! Every bound of a link, with why that number.

use hopluu_model::Seq;

/// Last position a journal may have: what a signed column of a database holds.
pub const SEQ_MAX: Seq = Seq(u64::MAX >> 1);

/// Longest frame, its kind byte included. Four chunks: large enough that no list of ranges needs
/// more, small enough that a hub of 579 links that all stop in mid-frame holds 38 MB.
pub const FRAME_BYTES_MAX: usize = 64 << 10;

/// Bytes of one push on the link, a piece of a file, and what is handed over at once, however fast the link is.
pub const CHUNK_BYTES: usize = 16 << 10;

/// Bodies in one push, unless a single entry is larger: a whole report with its texts, which cut in two would need seals
/// and hashes of its own. Packed, they are a quarter of that. Two of them fill the window.
pub const PUSH_BYTES_MAX: usize = 32 << 10;

/// How long a link may be busy with one push: what a cut may cost, and what a submission waits for.
pub const CHUNK_MS: u64 = 400;

/// Bytes of a push on the link, however slow that is: a whole packed report. Cut smaller, each piece would
/// need seals and hashes of its own.
pub const CHUNK_BYTES_LEAST: usize = 4 << 10;

/// Bodies on the way to one peer that it has not acknowledged, whatever the link carries. At 1 s of round
/// trip this still fills half a Mbit/s; one entry that is larger travels alone.
pub const IN_FLIGHT_BYTES_MAX: usize = 64 << 10;

/// Bytes on the link below which one more push may follow, however slow it is: the next is on its way
/// while the last is being answered.
pub const IN_FLIGHT_BYTES_LEAST: usize = 6 << 10;

/// Receipts in one push while the peer itself sends much: two packets. QUIC's window is four at least, and quinn holds its
/// own acknowledgements back while data waits for the window: both ends then wait for each other, until a timer ends it.
pub const YIELDING_BYTES: usize = 2 << 10;

/// Pushes on the way to one peer. A burst of single edits is as small as this many fsyncs long.
pub const IN_FLIGHT_PUSHES_MAX: usize = 8;

/// Largest body of an entry: the largest record ([`hopluu_trust::limits::RECORD_BYTES_MAX`]).
pub const ENTRY_BYTES_MAX: usize = hopluu_trust::limits::RECORD_BYTES_MAX;

/// Longest description of an object. A document's key is about 100 bytes.
pub const DESCRIPTOR_BYTES_MAX: usize = 512;

/// Largest message that travels in parts: the largest entry and the frame around it.
pub const MESSAGE_BYTES_MAX: usize = ENTRY_BYTES_MAX + (4 << 10);

/// Memory of all messages in parts together, over all links. The largest tree to four children at
/// a time; the others are told `Busy` and come again.
pub const PARTS_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// Frames of kinds that this version does not know, one after the other. A newer peer says a word of its own
/// between others; packed, 20 KB would hold millions.
pub const UNKNOWN_FRAMES_MAX: u32 = 1_024;

/// Bytes of a peer's frames, unpacked, that are read in one turn; the rest follows when others have had theirs. A frame at
/// its longest: a millisecond or two, whatever stands in it. Packed, 16 KB that come at once would hold 20 MB.
pub const READ_BYTES_AT_ONCE: usize = FRAME_BYTES_MAX;

/// What a packed piece counts for in that beside its frames: a reader and its dictionary take 20 us.
pub const READ_BYTES_OF_PIECE: usize = 1 << 10;

/// Entries in one push. A chunk of the smallest sealed changes holds about 100.
pub const PUSH_ENTRIES_MAX: usize = 1_024;

/// Entries of the journal among which the urgent overtake: some thousand saves of a district's texts in a month
/// without a link, and looked through in a few milliseconds.
pub const LOOK_AHEAD_MAX: usize = 4_096;

/// Bytes that a peer has acknowledged before that is written down: what a crash may send twice, at most, besides
/// what is on its way. A link that is never at rest would write nothing else.
pub const UNSAVED_BYTES_MAX: usize = 64 << 10;

/// Objects with a short id at once, in each direction. A report round touches a few hundred; older
/// ones are simply named again.
pub const SHORT_IDS_MAX: usize = 256;

/// Bytes handed to a link at once; the next piece follows when it has taken these. A chunk, and less on a
/// slow link.
pub const SEND_BYTES_MAX: usize = CHUNK_BYTES;

/// Bytes of frames in one piece of a packed stream: a piece that does not shrink is still no larger than
/// [`SEND_BYTES_MAX`] with the frame around it and the hello before it.
pub const UNPACKED_BYTES_MAX: usize = SEND_BYTES_MAX - 512;

/// From how many waiting bytes on a packed stream is begun, with memory of its own on both sides. Less is packed by
/// itself.
pub const PACKED_FROM_BYTES: usize = 4 << 10;

/// From how many waiting bytes on they are packed by themselves: what the head of a packed piece takes.
pub const PACKED_ALONE_FROM_BYTES: usize = 32;

/// Level of what is packed by itself, a quarter of a millisecond with its dictionary: level 3 takes six bytes more of
/// 190, level 19 saves one.
pub const ALONE_LEVEL: i32 = 9;

/// Window of packed streams, as a power of two: 128 KiB, some forty reports. A reader needs as much.
pub const STREAM_WINDOW_LOG: u32 = 17;

/// Level of packed streams: 30 MB a second, far above any link, and within a tenth of the best.
pub const STREAM_LEVEL: i32 = 9;

/// Packed streams of ours at once, at some 2 MB each. Further links send as it is until one has come to rest.
pub const STREAMS_MAX: usize = 24;

/// Bytes that wait for one link. Nothing more is begun while a piece waits. What has been begun by
/// then is one push; the lists of one turn of a comparison, with hashes and, for each object that a
/// message has named, without; and the next question or answer.
pub const SEND_WAITING_BYTES_MAX: usize =
    MESSAGE_BYTES_MAX + LISTS_BYTES_MAX + MESSAGE_BYTES_MAX + FRAME_BYTES_MAX;

/// Bytes kept of a peer that speaks before our checkpoint has been read, or faster than turns come: one full window and
/// the hello.
pub const UNREAD_BYTES_MAX: usize = MESSAGE_BYTES_MAX + IN_FLIGHT_BYTES_MAX + FRAME_BYTES_MAX;

/// Parts into which a range is split. 32 parts of 8 bytes are a quarter of a KiB, less than one
/// packet, and 3,321 documents end after two splits.
pub const SPLIT: usize = 32;

/// Objects that are sent whole instead of splitting further. 64 items are 2 KiB: cheaper than a
/// round trip on any link we know.
pub const LEAF_ITEMS_MAX: usize = 64;

/// Deepest split: after this many levels a range holds one object, 128 bits at 5 a level.
pub const DEPTH_MAX: usize = 26;

/// Bytes of ranges in one question or answer; the rest waits for the next. Two chunks.
pub const RANGES_BYTES_MAX: usize = 32 << 10;

/// Ranges in one question or answer. A range is at least 12 bytes there, and an answer may exceed
/// its bytes by what one range has to say.
pub const PARTS_MAX: usize = 4_096;

/// Objects in one list of what is had or wanted. An object is at least 19 bytes there.
pub const NOTES_MAX: usize = 1_024;

/// Ranges that wait to be asked about. Each question opens at most a frame's worth.
pub const RANGES_WAITING_MAX: usize = 64 << 10;

/// Questions in one comparison. 100,000 documents that all differ need about 200.
pub const WALK_QUESTIONS_MAX: u32 = 4_096;

/// Comparisons that a peer may begin in one session. Trees change a few times a year.
pub const WALKS_MAX: u32 = 64;

/// Hashes listed of one object. A document with more changes is sent whole instead.
pub const HASHES_MAX: usize = 2_048;

/// Objects of one question or answer whose hashes are listed; the other ranges are asked again.
pub const DIFFERING_MAX: usize = 128;

/// Bytes of all lists that follow from one question or answer: the range that reaches the bound on
/// objects may exceed it by what it has.
pub const LISTS_BYTES_MAX: usize = (DIFFERING_MAX + LEAF_ITEMS_MAX) * (HASHES_MAX * 8 + 32);

/// Bytes of hashes in one frame, unless one object has more.
pub const OBJECTS_BYTES_MAX: usize = 16 << 10;

/// Bytes of requests of a peer that wait for their turn, above which no further question is put or
/// answered: half of one list at its longest.
pub const REQUESTS_BYTES_LOW: usize = 1 << 20;

/// Bytes of requests of a peer that wait for their turn: what the low mark allows, one list at its
/// longest, and as much again that was on the way.
pub const REQUESTS_BYTES_MAX: usize = 6 << 20;

/// Requests in one comparison. Ten times the documents of the largest province over ten years.
pub const REQUESTS_MAX: u64 = 1_000_000;

/// Bytes of one piece of a file: a chunk, the most that a cut link sends again.
pub const PIECE_BYTES: usize = CHUNK_BYTES;

/// Pieces of one file: 50 MiB, fifty pages scanned in colour. Beyond it nothing is carried.
pub const PIECES_MAX: u16 = 3_200;

/// Bytes of files that are handed to a slow link at once. What is urgent waits behind at most these, 0.05 s at
/// 64 kbit/s; smaller packets would be all frame.
pub const FILE_BYTES_AHEAD_LEAST: usize = 400;

/// How long a link may be busy with the bytes of a file that are handed to it at once, where that is more of them.
pub const FILE_AHEAD_MS: u64 = 10;

/// Pieces in one question. Its first piece is proved by some ten values and each other by one, so that proofs
/// are half a percent.
pub const FETCH_PIECES_MAX: u16 = 8;

/// Questions for pieces at once, per direction: while the answer to one comes, the next is on its way.
/// Together 256 KiB, which fill 3 Mbit/s at 600 ms.
pub const FETCHES_MAX: usize = 2;

/// Pieces of one link that have been asked for or wait for the disk.
pub const PIECES_WAITING_MAX: usize = 16;

/// Files that are fetched at once, over all links: 8 MiB of pieces where the disk is stuck.
pub const PULLS_MAX: usize = 32;

/// Files that are wanted, in one list.
pub const WANTS_MAX: usize = 16;

/// Runs of missing pieces of one file, in one list. Pieces come in order, so one is the rule.
pub const RUNS_MAX: usize = 64;

/// Files that one peer does not have, which are remembered while its link stands. Beyond it nothing more is
/// asked over this link.
pub const FILES_ABSENT_MAX: usize = 4_096;

/// Files that one peer has asked for in vain, which are remembered while its link stands, so that it can be
/// told. The oldest are forgotten and asked for again over the next link.
pub const FILES_AWAITED_MAX: usize = 256;

/// Files that one peer was given last, of which it may say that it has them now: twice what it may have asked for
/// and not written down.
pub const FILES_GIVEN_MAX: usize = 2 * PIECES_WAITING_MAX;

/// Files of which one peer may say that it has them though it was not asked, and not given them: as many as a peer
/// remembers that were asked for, should this side have forgotten.
pub const FILES_STRAY_MAX: usize = FILES_AWAITED_MAX;

/// Files that one peer may give wrong, by a damaged disk, before its link is closed.
pub const FILES_WRONG_MAX: usize = 4;

/// How long a peer that has never answered a question for a file may be silent before it is taken for one of
/// an older version, which passes such questions over.
pub const DEAF_MS: u64 = 60_000;

/// How long a link may move nothing while something is owed. A link sleeps through an outage and wakes with
/// its first packet, which costs less than a new one; and below us the transport may still hold 64 KiB that
/// it has taken, a minute at 9.6 kbit/s. After ten minutes another way may be better.
pub const SILENCE_MS: u64 = 600_000;

/// First wait after a dial that failed.
pub const BACKOFF_FIRST_MS: u64 = 1_000;

/// Seconds after which a peer may come again for which there was no memory: others are in the midst of a message of
/// some hundred KB, which takes them about as long.
pub const AGAIN_MEMORY_S: u32 = 30;

/// Seconds after which a peer may come again for which the store had no time or no room: a queue is worked off in
/// some, and a disk that is full stays so until somebody comes.
pub const AGAIN_STORE_S: u32 = 10;

/// Longest time that a node waits because it was told to: a hub that means ill, or is wrong, silences nobody for
/// longer than a window of three minutes lasts.
pub const AGAIN_MAX_S: u32 = 180;

/// Dials of each superior that fail in a row before its superior is dialled as well: each is a patient one, and what
/// goes to the other goes twice; but a window of three minutes must not pass with it.
pub const STANDBY_AFTER_FAILURES: u32 = 2;

/// Longest wait between dials. A window of three minutes must not pass unnoticed.
pub const BACKOFF_MAX_MS: u64 = 60_000;

/// Two links to one peer that opened within this time were dialled by both sides at once; any
/// later one replaces a link that the peer has given up.
pub const CROSSING_MS: u64 = 10_000;

/// Windows of one link: three for each day.
pub const WINDOWS_MAX: usize = 21;

/// Peers whose numbers are kept after their link has closed. More than a province has nodes.
pub const PEERS_KEPT_MAX: usize = 4_096;

/// Targets of one node: parent, grandparent, neighbours on the office network, and spare.
pub const TARGETS_MAX: usize = 1_024;

/// Entries in one bundle: what its bytes hold of the smallest sealed changes, and a list of them that
/// a small node has room for.
pub const BUNDLE_ENTRIES_MAX: usize = 32 << 10;

/// Runs of pieces in one part of a bundle: files of 4 KiB fill it with as many.
pub const BUNDLE_RUNS_MAX: usize = 1_024;

/// Bytes of a bundle before it is packed: what an envelope takes.
pub const BUNDLE_BYTES_MAX: usize = hopluu_trust::limits::ENVELOPE_CONTENT_BYTES_MAX;

/// Largest parcel that is made or carried: a week of a commune's reports. Sixteen times that is what a neighbour
/// keeps for one giver.
pub const PARCEL_BYTES_MAX: usize = 256 << 10;

/// Parcels offered in one exchange: what a neighbour keeps of one giver, some 57 bytes each.
pub const PARCELS_OFFERED_MAX: usize = 64;

/// Bytes of a parcel that go at once, less than a chunk.
pub const PARCEL_PIECE_BYTES: usize = 15 << 10;
