//! Every bound of the program, with its reason.

use std::time::Duration;

/// Threads of the runtime: the loop has its own work, the rest waits for the network and the disk.
pub(crate) const WORKER_THREADS: usize = 2;

/// A form file: more than a form may have, so that the check can say what is too much.
pub(crate) const FORM_BYTES_MAX: u64 = 1 << 20;

/// A table of units: three times the largest there is.
pub(crate) const UNITS_BYTES_MAX: u64 = 8 << 20;

/// A text, a ticket or a table of figures given on standard input or in a file.
pub(crate) const INPUT_BYTES_MAX: u64 = 4 << 20;

/// A file whose first line is a passphrase.
pub(crate) const PASSPHRASE_FILE_BYTES_MAX: u64 = 4 << 10;

/// A file that opens an encrypted folder: more than a key file or a line with a passphrase has, so that the error can
/// say what is too much.
pub(crate) const SECRET_FILE_BYTES_MAX: u64 = 8 << 10;

/// A file to be attached.
pub(crate) const ATTACHMENT_BYTES_MAX: u64 = hopluu_engine::ATTACHMENT_BYTES_MAX;

/// A file that may hold a bundle, or a photo of its codes: those of a telephone have 2 to 12 MB.
pub(crate) const BUNDLE_FILE_BYTES_MAX: u64 = 24 << 20;

/// Width and height of a photo: more than any telephone's.
pub(crate) const PHOTO_SIDE_MAX: u32 = 12_000;

/// Memory for decoding one: a photo of 50 million points in three colours.
pub(crate) const PHOTO_BYTES_MAX: u64 = 160 << 20;

/// Points of a photo: the best of telephones'.
pub(crate) const PHOTO_POINTS_MAX: u64 = 50_000_000;

/// Points that any picture may have, however small its file: twice those of our largest code, drawn by hand or by a
/// program. Read and searched they take 20 MB.
pub(crate) const PHOTO_POINTS_FREE: u64 = 4_000_000;

/// Points for each byte beyond: a page scanned in black and white has some 80, a photo ten. A file of 20 KB that
/// would be a wall of white is refused by its head.
pub(crate) const PHOTO_POINTS_PER_BYTE: u64 = 64;

/// Points of a picture that is looked at once more at another size: one of our largest code, rescaled on its way.
/// Resizing takes 22 bytes a point, 44 MB; a photo is only halved.
pub(crate) const RESIZED_POINTS_MAX: u64 = 2_000_000;

/// Before this a person does not wonder what is going on.
pub(crate) const PROGRESS_AFTER: Duration = Duration::from_secs(1);

/// How often progress is drawn.
pub(crate) const PROGRESS_STEP: Duration = Duration::from_millis(250);

/// Columns of a label in a table, so that the figure beside it stays in sight.
pub(crate) const LABEL_COLUMNS: usize = 60;

/// How long a ticket is good unless said otherwise: a week to carry it there and find a machine.
pub(crate) const TICKET_HOURS: u32 = 7 * 24;

/// Largest dossier that is read, with its mark and its signature.
pub(crate) const DOSSIER_FILE_BYTES_MAX: u64 = hopluu_engine::DOSSIER_BYTES_MAX as u64 + 128;

/// Largest file with a certificate: ten times the largest of ours, because as text it is longer.
pub(crate) const CERTIFICATE_FILE_BYTES_MAX: u64 = 10 << 10;
