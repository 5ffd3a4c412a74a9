//! The scripts: every one runs anywhere, stops at the first error and says what it is for.

use crate::files::{TextFile, tracked};
use crate::hold;

/// Anything longer or cleverer is Rust, where it is typed and tested.
const SCRIPT_LINES_MAX: usize = 60;

fn faults(file: &TextFile) -> Vec<String> {
    let has = |wanted: &str| file.text.lines().any(|line| line == wanted);
    let is_for_people = file.path.starts_with("scripts/");
    let mut lines = file.text.lines();
    let rules = [
        (
            file.is_executable,
            "is not executable: git update-index --chmod=+x",
        ),
        (
            lines.next() == Some("#!/usr/bin/env bash"),
            "does not start with `#!/usr/bin/env bash`",
        ),
        (
            lines.next().is_some_and(|line| line.starts_with("# ")),
            "does not say what it is for",
        ),
        (has("set -euo pipefail"), "lacks `set -euo pipefail`"),
        (
            has("cd \"$(dirname \"$0\")/..\""),
            "does not go to the root: cd \"$(dirname \"$0\")/..\"",
        ),
        (
            file.text.contains("--help") || !is_for_people,
            "has no --help",
        ),
        (
            file.text.lines().count() < SCRIPT_LINES_MAX,
            "is too long: 60 lines end here",
        ),
    ];
    let broken = rules.iter().filter(|(holds, _)| !holds);
    broken
        .map(|(_, what)| format!("{}: {what}", file.path))
        .collect()
}

#[test]
fn scripts_stop_at_errors_and_explain_themselves() {
    let files = tracked();
    let is_script = |path: &str| path.starts_with("scripts/") || path.starts_with(".ci/");
    let scripts: Vec<&TextFile> = files.iter().filter(|file| is_script(&file.path)).collect();
    assert!(!scripts.is_empty(), "there are scripts");
    hold(&scripts.into_iter().flat_map(faults).collect::<Vec<_>>());
}

#[test]
fn ci_calls_the_tests_and_nothing_else() {
    let text = crate::files::read(".ci/run");
    let commands: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter(|line| !line.starts_with("set ") && !line.starts_with("cd "))
        .collect();
    assert_eq!(commands, ["exec scripts/test"]);
}

#[test]
fn a_careless_script_is_found() {
    let check = |path: &str, text: &str, is_executable: bool| {
        faults(&TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
            is_executable,
        })
        .len()
    };
    let good = "#!/usr/bin/env bash\n# Why.\nset -euo pipefail\ncd \"$(dirname \"$0\")/..\"\n";
    assert_eq!(
        check("scripts/a", &format!("{good}usage=--help\n"), true),
        0
    );
    assert_eq!(check("scripts/a", good, true), 1);
    assert_eq!(check(".ci/run", good, false), 1);
    assert_eq!(
        check(
            "scripts/a",
            &format!("{good}# --help\n{}", "true\n".repeat(60)),
            true
        ),
        1
    );
    assert_eq!(check("scripts/a", "echo hello\n", true), 5);
}
