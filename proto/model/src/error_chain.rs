//! Who is at fault, and one way to print an error with its sources.

use std::error::Error;
use std::fmt;

/// Who has to act on an error, so that a caller decides without matching on variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The other side broke a rule: close with a code, count it, keep running.
    Peer,
    /// This machine cannot do it now (disk full, file locked): keep what there is and retry.
    Local,
    /// A person wrote something that does not hold: say what and how to cure it.
    Config,
    /// Our own invariant broke: quarantine what it concerns, stay up.
    Bug,
}

/// Prints an error and all its sources on one line, for logs and for the last line of a command.
///
/// `Display` of our errors never repeats the source, so this is the only place that joins them.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(out, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
