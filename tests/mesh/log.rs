//! The event log as JSON lines, and how a broken promise is told.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A promise that did not hold, with what it takes to see it again.
pub(crate) struct Broken {
    pub(crate) seed: u64,
    pub(crate) log: PathBuf,
    pub(crate) what: String,
}

/// A test that ends with this prints it by `Debug`.
impl fmt::Debug for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}\nlog: {}\nagain: SIM_SEED={} scripts/sim",
            self.what,
            self.log.display(),
            self.seed
        )
    }
}

/// What a whole run came to.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) lines: u64,
    pub(crate) digest: u64,
    /// Writes that nobody had the right to, none of which counted.
    pub(crate) void: u64,
}

/// Everything that happened, one JSON object a line. It is taken away when the run holds.
#[derive(Debug)]
pub(crate) struct Log {
    seed: u64,
    path: PathBuf,
    out: BufWriter<File>,
    lines: u64,
    digest: u64,
}

impl Log {
    pub(crate) fn create(seed: u64, label: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mesh");
        fs::create_dir_all(&folder).expect("the build folder can be written");
        let path = folder.join(format!("{seed}-{label}.jsonl"));
        let out = File::create(&path).expect("the build folder can be written");
        Self {
            seed,
            path,
            out: BufWriter::new(out),
            lines: 0,
            digest: FNV_BASIS,
        }
    }

    pub(crate) fn line(&mut self, at: i64, who: &str, what: &str, detail: &Value) {
        let line =
            format!("{{\"at\":{at},\"who\":\"{who}\",\"what\":\"{what}\",\"is\":{detail}}}\n");
        self.digest = fnv(self.digest, line.as_bytes());
        self.lines += 1;
        self.out
            .write_all(line.as_bytes())
            .expect("the build folder can be written");
    }

    pub(crate) fn broken(&mut self, what: String) -> Broken {
        self.out.flush().expect("the build folder can be written");
        Broken {
            seed: self.seed,
            log: self.path.clone(),
            what,
        }
    }

    /// The run held: nobody will read the log.
    pub(crate) fn close(self, void: u64) -> Played {
        drop(self.out.into_inner());
        fs::remove_file(&self.path).expect("the build folder can be written");
        Played {
            lines: self.lines,
            digest: self.digest,
            void,
        }
    }
}

impl Drop for Panicked<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(seed) = self;
            // Straight to the stream: a test's captured output is shown too, but this line is the one
            // that is looked for.
            let line = format!("again: SIM_SEED={seed} scripts/sim\n");
            std::io::stderr().write_all(line.as_bytes()).ok();
        }
    }
}

/// Names the seed when the code under test panics.
#[derive(Debug)]
pub(crate) struct Panicked<'s>(pub(crate) &'s u64);

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Enough to notice a difference, and quick.
pub(crate) fn fnv(digest: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(digest, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

pub(crate) fn fnv_of(bytes: &[u8]) -> u64 {
    fnv(FNV_BASIS, bytes)
}
