//! A network of a test's own, which ends with it and leads nowhere.

use std::process::Command;
use std::time::{Duration, Instant};

/// Whether this test runs in one. Else it has just run there, or could not.
pub(crate) fn is_own(test: &str) -> bool {
    const OWN: &str = "HOPLUU_TEST_OWN_NETWORK";
    if std::env::var_os(OWN).is_some() {
        return true;
    }
    let may = Command::new("unshare").args(["-rn", "true"]).status();
    if may.is_ok_and(|status| status.success()) {
        let mut command = Command::new("unshare");
        command.arg("-rn").arg(std::env::current_exe().unwrap());
        let ran = command.args(["--exact", test]).env(OWN, "1").status();
        assert!(ran.unwrap().success());
    } else {
        eprintln!("no network of its own here: {test} is not tested");
    }
    false
}

/// Changes it.
pub(crate) fn ip(words: &str) {
    assert!(has(words), "ip {words}");
}

/// A network card with an address, where this system makes such cards.
pub(crate) fn has_card(addr: &str) -> bool {
    if !has("link add name near0 type veth peer name near1") {
        eprintln!("no network cards of its own here: not tested");
        return false;
    }
    ip(&format!("addr add {addr} dev near0"));
    ip("link set near0 up");
    ip("link set near1 up");
    let limit = Instant::now() + Duration::from_secs(10);
    while !carries() {
        assert!(Instant::now() < limit, "the card does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// Whether both ends of the card have come up, which takes the system a moment.
fn carries() -> bool {
    let shown = Command::new("ip")
        .args(["-o", "link", "show", "near0"])
        .output();
    String::from_utf8_lossy(&shown.unwrap().stdout).contains("LOWER_UP")
}

fn has(words: &str) -> bool {
    let ip = Command::new("ip").args(words.split(' ')).status();
    ip.unwrap().success()
}
