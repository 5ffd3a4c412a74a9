//! Every bound of the store, with why that number.

use std::time::Duration;

/// Jobs that may wait for the writer. A province's hub has 579 sessions with one push each in
/// flight and a handful of local saves; twice that, so that only a stuck disk reaches it.
pub const QUEUE_JOBS_MAX: usize = 1_200;

/// Jobs in one transaction. At 16 KiB a push this keeps a group under 4 MiB of log, which a weak
/// disk syncs in well under a second.
pub const GROUP_JOBS_MAX: usize = 256;

/// How long opening or writing waits for a lock that another process holds. A backup tool holds
/// one for moments; a second daemon holds it for ever and must be named soon.
pub const BUSY_WAIT: Duration = Duration::from_millis(2_000);

/// Read connections alive at once. Each costs its page cache; the engine reads from few threads.
pub const READERS_MAX: usize = 8;

/// Read connections kept open while nobody reads.
pub const READERS_KEPT_MAX: usize = 2;

/// Page cache of the writer and of each reader, in KiB. The system's file cache does the rest.
pub const CACHE_KIB: u32 = 1_024;

/// Prepared statements kept per connection: more than there are in this crate.
pub const STATEMENTS_KEPT: usize = 96;

/// The log is cut back to this size after a checkpoint, so that one large import does not leave a
/// large file behind on a small disk.
pub const LOG_BYTES_KEPT: u32 = 4 << 20;

/// Longest change, record or receipt body. The scanner's bounds are far below; this one keeps a
/// bug from filling the disk with one row.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Longest row of facts: those of a full report are 1.5 KB. Whoever appends asks before, because a row
/// over it is no failure of the disk.
pub const FACTS_BYTES_MAX: usize = 4 << 20;

/// Longest snapshot of a document, packed.
pub const SNAPSHOT_BYTES_MAX: usize = 64 << 20;

/// Snapshots shorter than this are kept as they are: zstd gains little on them and the document
/// library has deflated its own columns already.
pub const PACK_BYTES_MIN: usize = 4 << 10;

/// Bits of a change's key that number it within its document.
pub const ORDINAL_BITS: u32 = 24;

/// Changes of one document. A report of a half-year has some hundreds.
pub const CHANGES_PER_DOC_MAX: u64 = (1 << ORDINAL_BITS) - 1;

/// Bits of a piece's key that number it within its file: 1 GiB in pieces of the usual length.
pub const FILE_PIECE_BITS: u32 = 16;

/// Longest piece of a file. Those of the engine have a quarter of it.
pub const FILE_PIECE_BYTES_MAX: usize = 64 << 10;

/// Longest mark of a piece: two hashes.
pub const FILE_MARK_BYTES_MAX: usize = 64;

/// Bits of a facts key that number the document.
pub const FACTS_DOC_BITS: u32 = 40;

/// Parked changes kept of one peer: some pushes' worth. What is turned away beyond is not lost: while
/// a park is full, the engine compares with that peer whenever something waited for may have come.
pub const PARKED_ROWS_PER_PEER_MAX: u64 = 512;

/// Bytes of parked changes after which nothing more of one peer is parked: a few of the largest.
pub const PARKED_BYTES_PER_PEER_MAX: u64 = 2 << 20;

/// Longest list of places beyond a checkpoint: each place apart from the next, among some thousand.
pub const AHEAD_BYTES_MAX: usize = 64 << 10;

/// Longest sum of the ledger: twenty numbers.
pub const LEDGER_BYTES_MAX: usize = 1 << 10;

/// Longest list of what is void in one change: the numbers of the most writes that a change may have, and the texts of a
/// form.
pub const VOID_BYTES_MAX: usize = 64 << 10;

/// Longest closed key of an account: what closes it takes 65 bytes.
pub const ACCOUNT_SECRET_BYTES_MAX: usize = 256;

/// Longest name in the meta table.
pub const META_NAME_BYTES_MAX: usize = 64;

/// Pages copied by one step of a backup: 256 KiB, so that progress moves on a slow stick.
pub const BACKUP_STEP_PAGES: i32 = 64;

/// Longest wrapped key that a copy carries: some slots of some hundred bytes each.
pub const WRAPPED_BYTES_MAX: usize = 4 << 10;

/// Findings a check lists before it says "and more". A person reads the first; the cure is the
/// same for all.
pub const FINDINGS_MAX: usize = 200;

/// Damaged places that salvage steps over in one table before it gives the rest up. Each costs
/// some hundred seeks.
pub const SALVAGE_GAPS_MAX: usize = 10_000;

/// Documents whose numbers a reader remembers, by number and by id: those of a province in a year, one megabyte each.
/// Then it begins anew.
pub(crate) const DOC_NUMBERS_KEPT_MAX: usize = 16 << 10;

/// In what steps the journal remembers when things came: at most 52,560 rows a year, and near enough for whoever asks
/// what came before what.
pub const ARRIVAL_STEP_MS: i64 = 10 * 60_000;

/// Rows of who has read what is private: ten people who each read twenty reports a day, for 250 days. One is some
/// hundred bytes.
pub const PRIVATE_READS_MAX: u32 = 50_000;

/// Rows of what was refused: every node of a province for six reasons each. Whoever can certify keys without end can
/// push out what was refused of others, and nothing more.
pub const REFUSALS_MAX: u32 = 4_096;

/// Publications of one form and period, of whatever unit: each is held against all that left before it. A national node
/// that publishes its provinces one by one needs 64.
pub const PUBLICATIONS_PER_PERIOD_MAX: usize = 128;

/// Bytes of one: 705 districts of 97 lines take some 700 KB.
pub const PUBLICATION_BYTES_MAX: usize = 2 << 20;

/// Longest name in a row of those: a form's, a unit's, a person's account.
pub const AUDIT_WORD_BYTES_MAX: usize = 128;
