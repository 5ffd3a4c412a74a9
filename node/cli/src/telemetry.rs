//! The log: to standard error, English, for whoever runs the node.

use tracing_subscriber::{EnvFilter, fmt};

use crate::args::LogFormat;

/// The one environment variable that is read: what the log says, for example `hopluu_sync=debug`.
const FILTER: &str = "HOPLUU_LOG";

/// What a node that runs says, unless told otherwise. Automerge tells of every change that it reads, which took a
/// fifteenth of what taking one in does.
pub(crate) const OF_A_NODE: &str = "info,automerge=warn";

/// Starts the log of a node that runs, or of a command, which says only what is wrong.
pub(crate) fn start(format: LogFormat, default: &str) {
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(default));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first log.
    let _started_already = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
