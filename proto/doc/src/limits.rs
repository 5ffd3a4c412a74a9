//! Every bound of this crate, each with its reason. What exceeds one is refused, never cut.

use crate::scan::ScanLimits;

/// Longest figure in bytes: the longest canonical scalar (`~>` and 18 digits with sign and point)
/// has 23, two 64-bit halves of a share have 41; the rest is room for scalars of later versions.
pub const FIGURE_BYTES_MAX: usize = 64;

/// Longest key of a figure, note or event: a code, `@` and an office of 40 bytes each.
pub const MAP_KEY_BYTES_MAX: usize = 2 * hopluu_model::name::NAME_BYTES_MAX + 1;

/// Longest note in bytes: a few sentences beside a figure; anything longer belongs in a section.
pub const NOTE_BYTES_MAX: usize = 4_096;

/// Longest lifecycle event in bytes: a word and a reason of a few sentences.
pub const EVENT_BYTES_MAX: usize = 4_096;

/// Longest text of one section and office, in code points: some twelve printed pages.
pub const TEXT_CHARS_MAX: usize = 40_000;

/// Longest message of a save in bytes: the office's name and a line of text.
pub const MESSAGE_BYTES_MAX: usize = 512;

/// Most edits in one save: ten times the lines of the largest form known, all with a note.
pub const EDITS_PER_SAVE_MAX: usize = 2_048;

/// Most actors in one row of facts. A report has a handful; the bound is what a hostile author of the
/// unit could pile up, because a row that is written must be readable.
pub const FACTS_ACTORS_MAX: usize = 1 << 20;

/// Largest packed row of facts. A full report has some 1.5 KB; for the bound the same holds.
pub const FACTS_BYTES_MAX: usize = 4 << 20;

/// What one change may cost a reader, used wherever no narrower budget is set.
pub const SCAN_LIMITS: ScanLimits = ScanLimits {
    // A whole section of Vietnamese text, rewritten, stays under 200 KiB deflated.
    chunk_bytes_max: 256 << 10,
    // The same inflated: two ops of about 6 bytes for each of 40,000 code points.
    inflated_bytes_max: 1 << 20,
    // Deleting and inserting a section of TEXT_CHARS_MAX, and every figure of a form besides.
    ops_max: 100_000,
    // Every edit of the largest save, and the operation between that a settlement takes.
    map_writes_max: 2 * EDITS_PER_SAVE_MAX,
    // The author, and settling names the actor of every candidate: as many as were written apart.
    actors_max: 1 + 256,
    // A change has as many parents as there were unmerged branches.
    deps_max: 256,
    message_bytes_max: MESSAGE_BYTES_MAX,
    // TEXT_CHARS_MAX of three-byte letters, and the forms of two sections in one save.
    text_bytes_max: 256 << 10,
    // Automerge numbers operations with 32 bits; a quarter of that leaves room to notice.
    op_counter_max: 1 << 30,
};

/// Most earlier events that one event may name: as many as were ever written apart and not yet
/// followed. Beyond it the rest is not followed, which shows more standing events, never fewer.
pub const EVENTS_NAMED_MAX: usize = 64;

/// Most events of one document that are read: the last ones by operation, so that every node that has
/// the same changes reads the same ones. A report's life has a dozen; so many of the longest are 2 MiB,
/// half of what one row of a store may hold.
pub const EVENTS_READ_MAX: usize = 512;

/// Most cells of one table that compares two texts: half a megabyte of memory, under a millisecond.
/// Where two stretches are larger than that, the one is replaced by the other as a whole.
pub const DIFF_CELLS_MAX: usize = 250_000;

/// Longest attachment: fifty pages scanned in colour, some two hours of a link of 64 kbit/s.
pub const ATTACHMENT_BYTES_MAX: u64 = 50 << 20;

/// Longest name of an attachment's file, its ending included: file systems take 255 bytes.
pub const ATTACHMENT_NAME_BYTES_MAX: usize = 200;

/// Longest caption of an attachment in bytes: a long title in Vietnamese.
pub const CAPTION_BYTES_MAX: usize = 1_024;

/// Most attachments of one document that are kept: every paper that goes with a report, several times
/// over. The first by hash, so that all nodes keep the same.
pub const ATTACHMENTS_PER_DOC_MAX: usize = 64;

/// Most changes in one packet: a chunk of the link holds about as many of the smallest.
pub const PACKET_CHANGES_MAX: usize = 1_024;

/// Most keys, actors or parents elsewhere that a packet lists: the keys of the largest save, and of the others several
/// for each of its changes. What has more travels raw.
pub const PACKET_LISTED_MAX: usize = 4_096;
