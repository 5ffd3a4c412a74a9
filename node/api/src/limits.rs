//! Every bound of the API, with its reason.

use std::time::Duration;

/// Body of an ordinary request. The longest form has 1 MiB, and a save of a whole report with all its
/// texts stays under it.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// One line of an import: a whole report, as one save.
pub const IMPORT_LINE_BYTES_MAX: usize = BODY_BYTES_MAX;

/// A bundle, as large as any is made.
pub const BUNDLE_BYTES_MAX: usize = hopluu_engine::BUNDLE_BYTES_MAX;

/// A file to be attached. A little more than is taken, so that what is too long by a little is told in the
/// engine's words.
pub const ATTACHMENT_BODY_BYTES_MAX: usize = 64 << 20;

/// Saves of an import under way at once: enough that the disk is asked once for many of them, a
/// quarter of what the engine lets wait, so that others get their turn.
pub const IMPORT_IN_FLIGHT_MAX: usize = 64;

/// Pieces of an answer that wait for a slow reader before its writer waits too.
pub const PIECES_WAITING_MAX: usize = 32;

/// Connections that wait in memory, in the process of a command: it opens one at a time.
pub const MEMORY_CONNECTIONS_MAX: usize = 4;

/// Bytes in flight in memory, each way: what a Unix socket has.
pub const MEMORY_PIPE_BYTES: usize = 208 << 10;

/// An ordinary request takes milliseconds; a disk that takes longer than this is broken.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// Recomputing from every document and copying the database follow what there is: 10,000 documents
/// take seconds on a good disk, minutes on the worst.
pub const LONG_REQUEST_TIME_MAX: Duration = Duration::from_secs(600);

/// How much longer than the server a client waits, so that the server's own answer wins.
pub const CLIENT_GRACE: Duration = Duration::from_secs(5);

/// How long open requests may take to end when the node stops.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a command waits for a folder that another process is about to leave or to serve.
pub const HOME_WAIT_MAX: Duration = Duration::from_secs(5);

/// How often it looks.
pub const HOME_WAIT_STEP: Duration = Duration::from_millis(50);

/// Longest path of a Unix socket: the kernel's `sun_path` has 108 bytes with its end.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Longest line that a client takes from a stream: an explained report with its texts.
pub const CLIENT_LINE_BYTES_MAX: usize = 16 << 20;

/// Longest answer that a client takes: a province's explained total has 3 MB.
pub const CLIENT_ANSWER_BYTES_MAX: usize = 64 << 20;
