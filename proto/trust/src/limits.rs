//! Every bound of this crate, each with why it has that size.

/// Largest encoded record. The dated tree of the whole nation with three snapshots is about 1 MB as
/// text, a form under 100 KB; four times the largest leaves room for a reform or two.
pub const RECORD_BYTES_MAX: usize = 4 << 20;

/// Most heads a receipt names. Every head is one office's unmerged work; 256 of them still fit into
/// one 16 KiB chunk of the link, and a document that has more is merged by its next save.
pub const RECEIPT_HEADS_MAX: usize = 256;

/// Most actors one seal vouches for. A save has one; a node that vouches for the open browsers of an
/// office has about a dozen.
pub const SEAL_ACTORS_MAX: usize = 32;

/// Longest account named in a seal, in bytes: a short login, not a person's full name and title.
pub const ACCOUNT_BYTES_MAX: usize = 64;

/// Memory that one guess at a passphrase takes: what RFC 9106 (section 4) gives machines that are short of memory, and a
/// commune's computer of ten years ago has at hand.
pub const PASSPHRASE_MEMORY_KIB: u32 = 64 << 10;

/// Passes over that memory, as there: a login takes a quarter of a second on a small machine.
pub const PASSPHRASE_PASSES: u32 = 3;

/// One lane, where the RFC says four: a login takes one core, and leaves the others to links and clerks.
pub const PASSPHRASE_LANES: u32 = 1;

/// Largest closed secret: a key of 32 bytes has 65, and a PKCS #8 file of one 48 bytes more.
pub const SEALED_SECRET_BYTES_MAX: usize = 256;

/// Largest encoded seal: the bounds above and three fixed fields, rounded up.
pub const SEAL_BYTES_MAX: usize = 512;

/// Most addresses in a ticket: a public one, one on the office network, one spare, and one for IPv6.
pub const TICKET_ADDRS_MAX: usize = 4;

/// Longest address in a ticket, in bytes: what still leaves the ticket readable as one QR code.
pub const TICKET_ADDR_BYTES_MAX: usize = 80;

/// Largest ticket before base32: four longest addresses and 170 bytes of fixed fields.
pub const TICKET_BYTES_MAX: usize = 512;

/// Longest ticket text that is looked at at all. Base32 makes 820 characters of the largest ticket;
/// the rest is for the line breaks and hyphens of whoever passed it on.
pub const TICKET_TEXT_BYTES_MAX: usize = 2048;

/// Largest certificate. Ours are about 300 bytes; the rest is for what later versions may add.
pub const CERT_BYTES_MAX: usize = 1024;

/// Longest chain: ministry, province, district, commune, office, and three levels nobody has thought
/// of. It bounds the signature checks that one hello can cost.
pub const CHAIN_CERTS_MAX: usize = 8;

/// Largest chain: what fits into a join reply beside its fixed fields.
pub const CHAIN_BYTES_MAX: usize = 3968;

/// Largest join request or reply, as promised to whoever serves unknown callers.
pub const JOIN_BYTES_MAX: usize = 4096;

/// Largest address of an envelope: two places, the longest chain and a few numbers, rounded up.
pub const ADDRESS_BYTES_MAX: usize = CHAIN_BYTES_MAX + 1024;

/// Most parts that travel under one set: at the smallest size that parts may have, 64 MB.
pub const ENVELOPE_PARTS_MAX: u16 = 16_384;

/// Largest content of an envelope: the largest record, packed or not, and as much again beside it.
/// What is read in one piece must fit into the memory of the smallest node.
pub const ENVELOPE_CONTENT_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// Largest envelope: its content, what closing adds to it, and the rest.
pub const ENVELOPE_BYTES_MAX: usize = ENVELOPE_CONTENT_BYTES_MAX + ADDRESS_BYTES_MAX + 1024;

/// Most forms, lines and sections that one grant names: every line of the largest form known, and as many again.
pub const GRANT_NAMES_MAX: usize = 2_048;

/// Largest body of a grant: so many names of 40 bytes.
pub const GRANT_BYTES_MAX: usize = 96 << 10;

/// Most documents, heads, nodes and records that one revocation names: what a district's main node has written in
/// twenty years in each of its communes. So many fill half of a record.
pub const REVOCATION_NAMES_MAX: usize = 65_536;

/// Largest dossier on one report: the tree of a province, a form and twenty years of a hub's grants are under 2 MB, the
/// changes of a report 1 MB. It is read in one piece, so it must fit three times into the memory of a small machine.
pub const DOSSIER_BYTES_MAX: usize = 8 << 20;

/// Most items in one of its lists: a packet holds about a thousand changes, and a province has some 700 nodes.
pub const DOSSIER_ITEMS_MAX: usize = 16_384;

/// Months of thirty days that somebody may claim to live in, from 1970 until the end of 2199: as far as a tree reaches.
pub const EVIDENCE_MONTHS_MAX: u16 = 2_800;

/// Most ancestors whose claims of the time are kept: those of the longest chain.
pub const EVIDENCE_NODES_MAX: usize = CHAIN_CERTS_MAX;

/// Largest evidence of time: every month claimed by every ancestor, two bytes each, and the rest.
pub const EVIDENCE_BYTES_MAX: usize = EVIDENCE_NODES_MAX * (2 * EVIDENCE_MONTHS_MAX as usize + 64);

/// Most shares of a root's key: more people than that keep nothing safe.
pub const SHARES_MAX: u8 = 16;

/// Largest share before base32: 190 bytes and the longest unit, rounded up.
pub const SHARE_BYTES_MAX: usize = 256;

/// Longest text of a share that is looked at at all: base32 makes 410 letters of the largest and 103 hyphens; the rest is
/// for the line breaks and spaces of whoever typed it.
pub const SHARE_TEXT_BYTES_MAX: usize = 2048;
