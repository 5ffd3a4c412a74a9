//! A world for one test: homes in a folder that goes with it, nodes as processes that end with it,
//! and waits on a state that end in time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for a state: on a busy machine everything takes its time, but not this long.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);

/// How often a state is looked at. Looking is a process of its own, some 5 ms of work.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// The district of these tests, which has 21 communes.
pub(crate) const DISTRICT: &str = "465@2024-05-01";

/// The commune that most of them are about.
pub(crate) const COMMUNE: &str = "19429@2024-05-01";

/// Another commune of that district.
pub(crate) const NEIGHBOUR: &str = "19432@2024-05-01";

/// The form of the annex.
pub(crate) const REVIEW: &str = "pcmd-review";

/// The period in which it is typed.
pub(crate) const YEARS: &str = "2016-2020";

/// Everything that one test makes.
#[derive(Debug)]
pub(crate) struct World(TempDir);

impl World {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for the test"))
    }

    /// A folder for a home that is not made yet. Names are short: a socket's path has 108 bytes.
    pub(crate) fn home(&self, name: &str) -> Home {
        Home {
            dir: self.path(name),
            within: Vec::new(),
        }
    }

    /// Where a test puts a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path of a file with this text.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the test writes its file");
        path_text(&path)
    }

    /// The root of a new mesh, which keeps its address over restarts.
    pub(crate) fn root(&self, name: &str, unit: &str) -> Home {
        let home = self.home(name);
        home.ask(&[
            "init",
            "--root",
            "--unit",
            unit,
            "--listen",
            &free_address(),
        ]);
        home
    }

    /// A home that has joined below or beside a running node, which has handed it its forms.
    pub(crate) fn join(&self, above: &Home, name: &str, whom: &[&str]) -> Home {
        let home = self.home(name);
        home.ask(&["join", &above.ticket(whom)]);
        home
    }

    /// A district and one commune of it, both running, the commune with its forms.
    pub(crate) fn district_and_commune(&self) -> (Node, Node) {
        let district = self.root("465", DISTRICT).start();
        let commune = self.join(&district.home, "19429", &[COMMUNE]).start();
        commune.has_forms();
        (district, commune)
    }
}

/// A home folder, in which the program is asked to do things.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    /// What runs the program so that it sees another world than the test: mounts of its own, limits.
    pub(crate) within: Vec<String>,
}

impl Home {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = match self.within.split_first() {
            None => program(),
            Some((outer, rest)) => {
                let mut command = quiet(outer.as_ref());
                command.args(rest).arg(hopluu_tests::program());
                command
            }
        };
        command.arg("--home").arg(&self.dir).args(words);
        command
    }

    /// What a command with these words does, says and ends with.
    pub(crate) fn tell(&self, words: &[&str]) -> Done {
        Done::of(self.command(words).output())
    }

    /// The same with something on its standard input.
    pub(crate) fn feed(&self, words: &[&str], input: &str) -> Done {
        let started = self.command(words).stdin(Stdio::piped()).spawn();
        let mut child = started.expect("the program starts");
        let mut pipe = child.stdin.take().expect("its input is a pipe");
        pipe.write_all(input.as_bytes())
            .expect("it reads its input");
        drop(pipe);
        Done::of(child.wait_with_output())
    }

    /// The JSON of a command that must succeed.
    pub(crate) fn ask(&self, words: &[&str]) -> Value {
        let done = self.tell(&[&["--json"], words].concat());
        assert_eq!(done.code, 0, "{words:?}: {}", done.err);
        done.json()
    }

    /// A command that must be refused with this exit code and message code, in both languages.
    pub(crate) fn refuses(&self, words: &[&str], exit: i32, code: &str) {
        let told = |options: &[&str]| {
            let done = self.tell(&[options, words].concat());
            assert_eq!(done.code, exit, "{words:?}: {}{}", done.out, done.err);
            done
        };
        let problem: Value = last_json(&told(&["--json"]).err, words);
        assert_eq!(problem["code"], code, "{words:?}: {problem}");
        for (lang, label) in [("vi", "lỗi"), ("en", "error")] {
            let message = problem["message"][lang].as_str().unwrap_or_default();
            assert!(!message.is_empty(), "{words:?}: {problem}");
            let err = told(&["--lang", lang]).err;
            let first = message.lines().next().unwrap_or_default();
            let line = format!("{label} {code}: {first}");
            assert!(err.contains(&line), "{words:?}: `{line}` in {err}");
        }
        assert_ne!(
            problem["message"]["vi"], problem["message"]["en"],
            "{words:?} speaks two languages"
        );
    }

    /// Whether the program can be run here at all, in what it is to be run within.
    pub(crate) fn sees_its_folder(&self) -> bool {
        let done = self.command(&["form", "check", "/dev/null"]).output();
        done.is_ok_and(|done| done.status.code() == Some(4))
    }

    /// A one-time ticket of a node that runs here.
    pub(crate) fn ticket(&self, whom: &[&str]) -> String {
        let words = [&["invite", "--hours", "1"], whom].concat();
        text_at(&self.ask(&words), "/ticket").to_owned()
    }

    /// Starts `hopluu run` and waits until it is ready.
    pub(crate) fn start(&self) -> Node {
        Node::start(self.clone(), self.command(&["--json", "run"]))
    }

    /// Saves figures of the annex, opening the report if need be.
    pub(crate) fn set(&self, figures: &[&str]) -> Value {
        self.ask(&[&["report", "set", "--new", REVIEW, YEARS], figures].concat())
    }

    /// The value of a figure of the annex; null where it has none, or two.
    pub(crate) fn figure(&self, unit: &str, code: &str) -> Value {
        let words = ["--json", "report", "show", REVIEW, YEARS, "--unit", unit];
        let done = self.tell(&words);
        if done.code != 0 {
            return Value::Null;
        }
        let shown = done.json();
        rows(&shown, "/figures")
            .iter()
            .find(|row| row["code"] == code)
            .map_or(Value::Null, |row| row["value"].clone())
    }

    /// A total of the annex.
    pub(crate) fn total(&self, unit: &str) -> Value {
        self.ask(&["rollup", "show", unit, REVIEW, YEARS])
    }

    /// How many documents, how long a journal: what must not change when something is refused.
    pub(crate) fn holds(&self) -> (Value, Value, Value) {
        let status = self.ask(&["status"]);
        let reports = self.ask(&["report", "list"]);
        (
            status["documents"].clone(),
            status["journal"].clone(),
            reports,
        )
    }

    /// Whether the superior has everything of the only report here.
    pub(crate) fn has_arrived(&self) -> bool {
        let reports = self.ask(&["report", "list"]);
        let reached = reports.pointer("/0/reached/0/is_current");
        reached == Some(&Value::Bool(true))
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn of(output: std::io::Result<Output>) -> Self {
        let output = output.expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Self {
            code: output.status.code().expect("it was not killed"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let value = serde_json::from_str(&self.out);
        value.unwrap_or_else(|error| unreachable!("{error}: {}{}", self.out, self.err))
    }

    /// The refusal that it says.
    pub(crate) fn problem(&self) -> Value {
        last_json(&self.err, &[])
    }

    /// One value a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.out.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("every line is JSON")
    }
}

/// A node that runs, until the test has ended: also when it ends by failing.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    pub(crate) home: Home,
    /// What it printed when it was ready.
    pub(crate) ready: Value,
    /// Held, or the node would find nobody to tell.
    _says: Lines,
}

impl Node {
    /// Starts a command that ends in `hopluu run` and waits for its ready line. Its log goes to a
    /// file beside the home.
    pub(crate) fn start(home: Home, mut command: Command) -> Self {
        let log = home.dir.with_extension("log");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        command.stderr(log.expect("a file for the log"));
        let mut child = command.spawn().expect("the program starts");
        let says = Lines::of(&mut child);
        let ready = says.next("the node is ready");
        assert_eq!(ready["event"], "ready", "{ready}");
        Self {
            child,
            home,
            ready,
            _says: says,
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.dir.with_extension("log")).unwrap_or_default()
    }

    /// The resident memory of the process.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.ready["pid"]);
        let status = std::fs::read_to_string(path).expect("the node runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.parse::<u64>().ok())
            .expect("the system says how much")
            * 1024
    }

    /// Whether the process still runs.
    pub(crate) fn is_up(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Waits until both forms that come with the program have come down.
    pub(crate) fn has_forms(&self) {
        until("the forms came down", || {
            rows(&self.home.ask(&["form", "list"]), "").len() == 2
        });
    }

    /// Ends it in order, and gives its home back.
    pub(crate) fn stop(mut self) -> Home {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process has a number"), Signal::TERM).expect("it runs");
        until("the node stops", || !self.is_up());
        let ended = self.child.wait().expect("it is our child");
        assert!(ended.success(), "the node stopped with {ended}");
        self.home.clone()
    }

    /// Ends it without warning, and gives its home back.
    pub(crate) fn kill(mut self) -> Home {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
        self.home.clone()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended as the test wanted.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// `hopluu watch`, line by line.
#[derive(Debug)]
pub(crate) struct Watch {
    child: Child,
    lines: Lines,
}

impl Watch {
    /// Starts watching; what happens after this is not missed.
    pub(crate) fn start(home: &Home) -> Self {
        let mut command = home.command(&["--json", "watch"]);
        let mut child = command.spawn().expect("the program starts");
        let lines = Lines::of(&mut child);
        assert_eq!(lines.next("the watch begins")["event"], "ready");
        Self { child, lines }
    }

    /// Waits until it has ended by itself: its exit code, and what it then said.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        let mut err = self.child.stderr.take().expect("a pipe");
        err.read_to_string(&mut said).expect("it is text");
        let ended = self.child.wait().expect("it is our child");
        let more = self.lines.0.recv_timeout(WAIT_MAX);
        assert_eq!(more, Err(RecvTimeoutError::Disconnected), "nothing else");
        (ended.code(), said)
    }

    /// Waits for an event; those before it are passed over.
    pub(crate) fn until(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.lines.next(what);
            if is_it(&event) {
                return event;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// What a process prints, one JSON value a line, with a limit on waiting.
#[derive(Debug)]
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(child: &mut Child) -> Self {
        let out = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (sender, lines) = channel();
        // It ends with the process.
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self(lines)
    }

    pub(crate) fn next(&self, what: &str) -> Value {
        let line = match self.0.recv_timeout(WAIT_MAX) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => unreachable!("{what}: not within {WAIT_MAX:?}"),
            Err(RecvTimeoutError::Disconnected) => unreachable!("{what}: the process has ended"),
        };
        serde_json::from_str(&line).unwrap_or_else(|error| unreachable!("{what}: {error}: {line}"))
    }
}

/// Waits for a state, and fails by name when it does not come.
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(WAIT_MAX, what, holds);
}

/// The same for what a busy machine may put off: the next try after one that failed comes later.
pub(crate) fn until_within(most: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < most, "{what}: not within {most:?}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The program, without a home.
pub(crate) fn program() -> Command {
    quiet(&hopluu_tests::program())
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("HOPLUU_LOG").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An address on this machine that nobody listens on.
pub(crate) fn free_address() -> String {
    hopluu_tests::process::free_address()
        .expect("a free port")
        .to_string()
}

/// The list at a place of an answer.
pub(crate) fn rows<'a>(value: &'a Value, place: &str) -> &'a [Value] {
    let found = value.pointer(place).and_then(Value::as_array);
    found.unwrap_or_else(|| unreachable!("no list at `{place}` in {value}"))
}

/// The text at a place of an answer.
pub(crate) fn text_at<'a>(value: &'a Value, place: &str) -> &'a str {
    let found = value.pointer(place).and_then(Value::as_str);
    found.unwrap_or_else(|| unreachable!("no text at `{place}` in {value}"))
}

/// The line of a total with this code.
pub(crate) fn line<'a>(total: &'a Value, code: &str) -> &'a Value {
    let found = rows(total, "/lines")
        .iter()
        .find(|line| line["code"] == code);
    found.unwrap_or_else(|| unreachable!("no line {code} in {total}"))
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

/// The refusal in what was printed, which may have log lines before it.
fn last_json(err: &str, words: &[&str]) -> Value {
    let line = err.lines().rev().find(|line| line.starts_with('{'));
    let value = line.map(serde_json::from_str);
    let Some(Ok(value)) = value else {
        unreachable!("{words:?} says no JSON: {err}")
    };
    value
}
