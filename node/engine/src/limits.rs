//! Every bound of the engine, with its reason.

use std::time::Duration;

use hopluu_model::Timestamp;

use crate::files::FileQuota;

/// A tree's canonical text, unpacked. The whole country with its history has 2 MB.
pub(crate) const TREE_BYTES_MAX: usize = 8 << 20;

/// Rounds in which events of the tree find their authors: each goes at least a level down, and a chain
/// has eight certificates.
pub(crate) const DECISION_ROUNDS_MAX: usize = hopluu_trust::limits::CHAIN_CERTS_MAX;

/// Foldings of the tree that fail before what is left of the events is left out with them: finding
/// one that does not fit among 20,000 takes fifteen.
pub(crate) const EVENTS_LEFT_OUT_MAX: usize = 64;

/// Records of one author other than the root. A district of forty communes with ten offices each signs
/// some 400 certificates a term and a few forms.
pub(crate) const RECORDS_PER_AUTHOR_MAX: usize = 4_096;

/// Bytes of those: all certificates at their longest, or a hundred forms.
pub(crate) const RECORD_BYTES_PER_AUTHOR_MAX: usize = 16 << 20;

/// Heads of one document: a save names all of them, and so does a receipt. An office that writes
/// apart makes one; what comes when there are so many waits for a save that merges them.
pub(crate) const HEADS_MAX: usize = hopluu_trust::limits::RECEIPT_HEADS_MAX;

/// Documents of one unit: two hundred forms, every half-year, for a lifetime.
pub(crate) const DOCS_PER_UNIT_MAX: u64 = 32_768;

/// Receipts of one unit, before their documents are there: one of each of four levels above.
pub(crate) const RECEIPTS_PER_UNIT_MAX: u64 = 4 * DOCS_PER_UNIT_MAX;

/// Latest time that a receipt may name, the end of 2199: as far as a tree reaches. It must leave room
/// above, because each receipt is dated after the one before; and it asks no clock, because one that
/// says 2009 would refuse them all.
pub(crate) const RECEIPT_AT_MAX: Timestamp = Timestamp(7_258_118_399_999);

/// Room for files: of one unit some fifty papers of ten pages, and of a province's hub the papers of two years.
pub(crate) const FILE_QUOTA: FileQuota = FileQuota {
    unit: 512 << 20,
    all: 16 << 30,
};

/// Files that are not whole here and are looked at for one peer at a time, with each unit that names them.
pub(crate) const WANTED_READ_MAX: u32 = 512;

/// Pieces of a file that are read at once for a person: 1 MiB.
pub(crate) const PART_PIECES_MAX: u16 = 64;

/// Files that are looked at together where all are.
pub(crate) const FILES_READ_MAX: u32 = 256;

/// Operations of foreign changes that are decoded in one transaction, and of stored ones in one read for a
/// peer, before others have their turn: a section of text written anew. The one that reaches it is still
/// taken whole, so that the most is this and [`hopluu_doc::limits::SCAN_LIMITS`]' together, which is some
/// 60 ms on a small machine. A chunk of the link rarely holds more; one that is made to does so at the
/// cost of whoever sent it.
pub(crate) const DECODED_OPS_AT_ONCE: u64 = 32 << 10;

/// Operations of a document's changes that are kept at hand while a packet of it is judged: those of the longest packet,
/// some MB.
pub(crate) const KNOWN_OPS_MAX: u64 = hopluu_doc::limits::SCAN_LIMITS.ops_max as u64;

/// Operations of one push after which the rest of it is turned away, to come with the next comparison. Whoever keeps to
/// [`DECODED_OPS_AT_ONCE`] sends more only where the saves of one document, which deletes or repeats a great deal, are as
/// many by themselves.
pub(crate) const PUSH_OPS_MAX: u64 = 2 * DECODED_OPS_AT_ONCE;

/// Operations that a peer may have decoded before anything counts: a text as long as it may be, deleted and written
/// anew, and half as much besides.
pub(crate) const OPS_FREE: i64 = 128 << 10;

/// How many it earns by each byte that is not refused. Letters that are typed are one or two, and as many when they are
/// deleted.
pub(crate) const OPS_PER_BYTE: i64 = 4;

/// How many it earns in a millisecond: a tenth of a core, where a million take a second.
pub(crate) const OPS_PER_MS: i64 = 100;

/// Operations that refusing a packet counts as at least: it was opened, and read as far as it went.
pub(crate) const REFUSED_OPS: u64 = 32;

/// Milliseconds that a bundle waits, all together, until its maker has paid for what was decoded of it; the rest is then
/// turned away. Sections of 75 full texts deleted in one bundle take as long, and it is half the time that whoever gives
/// a parcel hears nothing.
pub(crate) const BUNDLE_WAIT_MS_MAX: u64 = 30_000;

/// Commands waiting for the loop: enough for a page with many users, little enough that a stuck disk
/// is felt by the asker and not by the memory.
pub(crate) const REQUESTS_WAITING_MAX: usize = 256;

/// Operations that trying again one thing that waits counts as, beside its own: a seal is looked at and a row is read.
/// All that is kept of a peer whose packets are small is so tried at once.
pub(crate) const PARKED_OPS: u64 = 32;

/// Jobs that wait for the disk from which on callers are told to come again: half of what the store queues, so that
/// those who are linked can still say what they have begun.
pub(crate) const STORE_JOBS_BUSY: usize = hopluu_store::limits::QUEUE_JOBS_MAX / 2;

/// Watch events a slow listener may lag behind before it is told that it missed some.
pub(crate) const WATCH_LAG_MAX: usize = 1024;

/// Bytes of loaded documents kept for the next edit. A report of 110 figures and eight texts takes
/// about 200 KB in memory; the last forty stay. Those with saves on their way to the disk stay beyond
/// it: at most as many as the store queues jobs.
pub(crate) const OPEN_DOCS_BYTES_MAX: u64 = 8 << 20;

/// Totals kept up to date at once, one per (form, period): a season has one or two open.
pub(crate) const TOTALS_KEPT_MAX: usize = 8;

/// Milliseconds between two readings of totals that changed and are not kept. A nation's season takes
/// 117 to read, so the loop spends at most an eighth of its time on them, however many years come in
/// at once.
pub(crate) const TOTALS_REST_MS: u64 = 1_000;

/// Long reads beside the loop at once. Each holds one of the store's readers, and the loop must
/// never wait for one.
pub(crate) const ASIDES_MAX: usize = 2;

/// Times that a total is recomputed while it changes, before the difference is shown as it is.
pub(crate) const RECOMPUTES_MAX: usize = 3;

/// Edits in one save: a whole form several times over, and what one change may hold with the step
/// that opens a report.
pub(crate) const EDITS_MAX: usize = hopluu_doc::limits::EDITS_PER_SAVE_MAX - 1;

/// A document gets a snapshot when this many changes came after the last one: replaying 64 changes
/// costs about what loading the snapshot does.
pub(crate) const SNAPSHOT_AFTER_CHANGES: u64 = 64;

/// Milliseconds between two snapshots: loading and packing a document of 200 changes takes some 15, so the loop spends at
/// most a tenth of its time on them.
pub(crate) const SNAPSHOT_REST_MS: u64 = 200;

/// Milliseconds for which a snapshot is put off, at most, while changes come in: at the deadline hour, when they never
/// stop, packing takes less than a hundredth of the loop's time.
pub(crate) const SNAPSHOT_GIVES_WAY_MS: u64 = 2_000;

/// Documents that wait for their snapshot: what twelve minutes pack.
pub(crate) const SNAPSHOTS_DUE_MAX: usize = 4_096;

/// Hours a ticket may be good: a week's travel there, and time to find a machine.
pub(crate) const TICKET_HOURS_MAX: u32 = 24 * 30;

/// Years a certificate is good: a term of office. What nobody has linked for so long is nobody's machine.
pub(crate) const CERTIFICATE_YEARS: i64 = 5;

/// How long before its end a certificate is renewed, on the first link: some nodes have one a few days in a season.
pub(crate) const RENEW_AHEAD_MS: u64 = 365 * 24 * 3_600_000;

/// How often a peer that stays linked is looked at as one that links: a link may stand for months.
pub(crate) const RENEW_LOOK_MS: i64 = 24 * 3_600_000;

/// A certificate is not renewed for less: where the issuer's own is about to end, a new one would end with it.
pub(crate) const RENEW_LEAST_MS: u64 = 30 * 24 * 3_600_000;

/// How long before its certificate ends a node is warned: two months in which it could have been renewed are over, and
/// there are ten to find out why it was not.
pub(crate) const EXPIRY_WARNING_MS: u64 = 300 * 24 * 3_600_000;

/// The same for a root, which nobody renews: from then on what it issues ends with it, and a new root takes all that time
/// to let everybody in.
pub(crate) const ROOT_WARNING_MS: u64 = 5 * 365 * 24 * 3_600_000;

/// Suggestions offered for a mistyped code.
pub(crate) const NEAR_CODES_MAX: usize = 3;

/// Journal entries looked at in one read for one peer: out of its scope they cost a row each, and the
/// loop has other work.
pub(crate) const JOURNAL_ENTRIES_MAX: usize = 512;

/// Bytes that may have gone over links before that is written down: what a crash takes from the ledger.
pub(crate) const LEDGER_BYTES_UNWRITTEN: u64 = 16 << 10;

/// Days of which the ledger keeps each: the last month, as a bill shows it.
pub(crate) const LEDGER_DAYS: u32 = 31;

/// Months of which the ledger keeps the sum: the last year and this month.
pub(crate) const LEDGER_MONTHS: u32 = 13;

/// What of a month's bytes is kept for what is urgent when they are used up: a tenth more.
pub(crate) const MONTH_RESERVE: u64 = 10;

/// Files that are looked at in one read when it is seen which are carried by hand.
pub(crate) const CARRIED_READ_MAX: u32 = 256;

/// How often the clock is looked at for jumps. Windows are written in minutes, and the shortest have three: noticing a
/// jump takes no noticeable part of one. A look costs microseconds.
pub(crate) const CLOCK_LOOK: Duration = Duration::from_secs(5);

/// How often windows and months are looked at while one may change, in milliseconds: a month that has
/// begun is noticed within a quarter of an hour.
pub(crate) const PLAN_LOOK_MS: u64 = 15 * 60_000;

/// Entries that are counted to say what is owed, to all peers together: the loop does nothing else meanwhile.
pub(crate) const OWED_PLACES_MAX: usize = 16 << 10;

/// Years a root certificate is good: longer than any of those it stands over.
pub(crate) const ROOT_YEARS: i64 = 30;

/// Links at once. The largest province has 579 communes, each with a few offices behind it; a caller
/// past this is closed at once.
pub(crate) const LINKS_MAX: usize = 1_024;

/// Reads of the store that follow from one event in one turn; those behind them wait until others have had theirs. A
/// peer may ask for tens of thousands of objects at once, each of which leads to a read: so many take two milliseconds.
pub(crate) const ANSWERS_AT_ONCE: usize = 128;

/// Link events waiting for the loop, over all links: the senders wait, not the memory.
pub(crate) const LINK_EVENTS_MAX: usize = 256;

/// Seconds that a stop waits for the store: beyond it the disk is not coming back.
pub(crate) const STOP_SECS_MAX: u64 = 10;

/// Beginnings of documents kept, each some 5 KB: one report of each commune of the largest province,
/// as they come in within a season.
pub(crate) const BEGINNINGS_KEPT_MAX: usize = 600;

/// Times that a packet is tried, each time without the change at which the last attempt ended and what
/// hangs on it. An honest packet has one such change at most, where a disk was copied; the rest is for
/// several that wait.
pub(crate) const PACKET_ATTEMPTS_MAX: usize = 4;

/// Stored bytes read for one byte that may be sent: packed changes are that much smaller, and a packet of
/// many costs less than several of few.
pub(crate) const STORED_BYTES_PER_SENT: usize = 4;

/// Stored bytes read on to find the seal that vouches for what was read. Without a seal of its own a change
/// came in a packet with the one that vouches for it, and a packet is no larger.
pub(crate) const VOUCHED_BYTES_MAX: usize = hopluu_sync::limits::ENTRY_BYTES_MAX;

/// Calls in a row without a sign of life, some five minutes of them, after which whoever is called is first asked with a
/// few bytes whether anybody is there. A whole call is up to 19 KB, a superior may be off for days, and a month's
/// bytes are few.
pub(crate) const SILENT_CALLS: u32 = 5;

/// Of so many calls one is whole all the same, every twenty minutes: a network may let no knock through.
pub(crate) const WHOLE_CALL_EVERY: u32 = 16;

/// How long until QUIC is tried first again where another way leads. Whoever blocks UDP does so for weeks, and
/// each attempt costs the head start and a few packets.
pub(crate) const QUIC_AGAIN: Duration = Duration::from_secs(6 * 3_600);

/// Carriers that one parcel goes through: the neighbour, a neighbour of that one, and a superior that hands it on.
pub(crate) const PARCEL_HOPS_MAX: u8 = 3;

/// Milliseconds that a parcel is carried: a week, after which whoever made it has met its superior or made another.
pub(crate) const PARCEL_LIFE_MS: i64 = 7 * 24 * 3_600_000;

/// Parcels kept of one giver, and what one makes for one receiver.
pub(crate) const PARCELS_PER_GIVER_MAX: usize = hopluu_sync::limits::PARCELS_OFFERED_MAX;

/// Bytes of those: a commune's reports of months, with their texts.
pub(crate) const PARCEL_BYTES_PER_GIVER_MAX: u64 = 4 << 20;

/// Parcels carried in all: eight givers at their most, or a district town's offices with one or two each.
pub(crate) const PARCELS_KEPT_MAX: usize = 512;

/// Bytes of those: sixteen givers at their most, what the smallest disk spares.
pub(crate) const PARCEL_BYTES_KEPT_MAX: u64 = 64 << 20;

/// Parcels that have arrived and are remembered by name: twice what is carried, so that none goes round.
pub(crate) const PARCELS_DONE_MAX: usize = 2 * PARCELS_KEPT_MAX;

/// Exchanges of parcels at once that others began; one more is told to come again.
pub(crate) const PARCEL_EXCHANGES_MAX: usize = 8;

/// How long the other side of an exchange may say nothing: a piece at 9.6 kbit/s takes 13 seconds.
pub(crate) const PARCEL_SILENCE: Duration = Duration::from_secs(60);

/// Longest exchange: all that one giver may keep with a neighbour, over the slowest office network.
pub(crate) const PARCEL_EXCHANGE_MAX: Duration = Duration::from_secs(600);

/// How often it is looked whether a superior's link is free for parcels again.
pub(crate) const PARCEL_PAUSE: Duration = Duration::from_secs(1);

/// Neighbours that are called: the rooms of one building.
pub(crate) const NEIGHBOURS_MAX: usize = 16;

/// Neighbours found on the network that are remembered: more than a building has, 100 bytes each. Forged ones fill no more.
pub(crate) const NEIGHBOURS_FOUND_MAX: usize = 64;

/// Of those, how many are called in one round, one after the other.
pub(crate) const NEIGHBOURS_FOUND_CALLED_MAX: usize = 8;

/// How long somebody found has to answer: it is on the same network. Eight that are not there take half a minute.
pub(crate) const NEIGHBOUR_CALL: Duration = Duration::from_secs(4);

/// How long answers are waited for: a node rests a second between two, and draws up to 120 ms.
pub(crate) const NEIGHBOURS_ANSWER: Duration = Duration::from_millis(1_500);

/// How long an address is remembered that says no more: three rounds.
pub(crate) const NEIGHBOUR_LIFE: Duration = Duration::from_secs(900);

/// How long one is left alone where nobody of ours was, a round at first.
pub(crate) const NEIGHBOUR_REST: Duration = Duration::from_secs(300);

/// How often that is doubled: to an hour and twenty minutes, the time in which a cable is plugged in.
pub(crate) const NEIGHBOUR_REST_DOUBLED_MAX: u32 = 4;

/// How often a superior that has taken a parcel is asked for the answer, a round apart.
pub(crate) const PARCEL_ANSWERS_ASKED: u32 = 3;

/// Nodes whose parcels are answered by parcels while they have no link: more than any node has below it.
pub(crate) const PARCELS_ANSWERED_MAX: usize = 1_024;

/// How long a parcel that came waits for its answer: until the receipt is signed, and what came with it is in.
pub(crate) const PARCEL_ANSWER_REST: Duration = Duration::from_secs(1);

/// Entries of the journal that links are told with the news that it has grown: those of a push or a save. Who is
/// behind or concerned reads for itself.
pub(crate) const NEWS_MAX: usize = 64;

/// Entries of the journal that are kept in memory without their content, 40 bytes each: what the largest province
/// writes in half a year. Whoever is further behind costs a look at the disk.
pub(crate) const OUTLINE_KEPT_MAX: usize = 32 << 10;

/// Shortest passphrase of an encrypted home: whoever has the disk guesses as fast as they can pay for, so it is
/// longer than the eight that NIST asks where guesses are counted.
pub(crate) const HOME_PASSPHRASE_CHARS_MIN: usize = 12;

/// Longest one, in characters: some sentences.
pub(crate) const HOME_PASSPHRASE_CHARS_MAX: usize = 256;

/// Shortest key file: as much chance as the key that it opens.
pub(crate) const KEY_FILE_BYTES_MIN: usize = 32;

/// Longest one: whoever gives more has taken another file for it.
pub(crate) const KEY_FILE_BYTES_MAX: usize = 4 << 10;

/// Documents that one transaction judges anew, at most.
pub(crate) const JUDGED_AT_ONCE: u32 = 64;

/// Bytes of changes after which it stops: reading them takes some 30 ms, for which a clerk's save waits.
pub(crate) const JUDGED_BYTES_AT_ONCE: u64 = 1 << 20;

/// Accounts at one node: everybody who ever worked in a large commune's offices. A closed one is kept, so that a name is
/// never somebody else's.
pub(crate) const ACCOUNTS_MAX: usize = 256;

/// Sessions of one account: the desks and phones that somebody leaves open.
pub(crate) const SESSIONS_PER_ACCOUNT_MAX: u32 = 8;

/// How long a session lasts: a working day with its evening. Nobody is logged in overnight.
pub(crate) const SESSION_MS: i64 = 12 * 3_600_000;

/// Passphrases that are tried at once: each takes 64 MiB (RFC 9106), and a small node has that once.
pub(crate) const GUESSES_AT_ONCE: usize = 1;

/// Wrong passphrases in a row before the next has to wait: whoever mistypes more often had better look it up.
pub(crate) const GUESSES_FREE: u32 = 5;

/// The first wait; each further wrong one doubles it.
pub(crate) const GUESS_WAIT_MS: i64 = 30_000;

/// The longest wait: a thousand guesses then take six weeks, and whoever comes back from lunch can go on.
pub(crate) const GUESS_WAIT_MAX_MS: i64 = 3_600_000;

/// Shortest passphrase. NIST SP 800-63B wants 15 where nothing else is asked and 8 where something is: here it is the
/// machine itself, behind its own login.
pub(crate) const PASSPHRASE_CHARS_MIN: usize = 12;

/// Longest: twice what NIST asks to take, and what the estimate of guesses looks through at once.
pub(crate) const PASSPHRASE_CHARS_MAX: usize = 128;

/// Refusals that wait for the disk, each of somebody else or for another reason: what a hub's links can be refused for
/// while one write takes.
pub(crate) const REFUSALS_WAITING_MAX: usize = 1_024;

/// How often refusals are written: a flood of them costs a write each time, and a crash the last of them.
pub(crate) const REFUSALS_EVERY_MS: u64 = 10_000;

/// Bytes of a packet in a dossier: a few dozen saves, so that what is wrong is found near where it is.
pub(crate) const DOSSIER_PACKET_BYTES: usize = 16 << 10;

/// Operations of all changes in a dossier together: a report of twenty full sections, written and rewritten. So much
/// takes 40 MB while it is judged.
pub(crate) const DOSSIER_OPS_MAX: u64 = 1 << 20;
