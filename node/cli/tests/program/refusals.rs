//! What is refused says why, by a code, and what to do.

use super::*;

#[test]
fn refusals_have_codes_and_say_who_can_cure_them() {
    let dir = root();
    let dir = dir.path();
    let set = |rest: &[&str]| refused(dir, &report("set", &[&["--new"], rest].concat()));
    let usage = |code: &str| (code.to_owned(), 2);
    assert_eq!(set(&["N.nope=1"]), usage("M-1005"));
    assert_eq!(set(&["N.dead=1,5"]), usage("M-1101"));
    assert_eq!(set(&["N.dead=1", "--office", "navy"]), usage("M-1007"));
    assert_eq!(set(&["N.dead"]), usage("M-2011"));
    assert_eq!(set(&[]), usage("M-2012"));
    assert_eq!(refused(dir, &report("set", &["N.dead=1"])), usage("M-1201"));
    assert_eq!(
        refused(dir, &["report", "show", "nope", PERIOD]),
        usage("M-1003")
    );
    assert_eq!(
        refused(dir, &["report", "show", FORM, "2020"]),
        usage("M-1004")
    );
    for command in ["list", "export"] {
        assert_eq!(
            refused(dir, &["report", command, "--period", "nope"]),
            usage("M-1004")
        );
    }
    let (nowhere, _) = json(dir, &["report", "list", "--unit", "nope"]);
    assert_eq!(
        nowhere["message"]["vi"],
        "không có đơn vị `nope` trong cây đơn vị"
    );
    assert_eq!(refused(dir, &["units", "show", "99999"]), usage("M-1001"));
    assert_eq!(
        refused(&dir.join("no"), &["join", "HOPLUU1-NONSENSE"]),
        usage("M-2206")
    );
    // A ticket is not even looked at where a node is already.
    assert_eq!(refused(dir, &["join", "HOPLUU1-NONSENSE"]), usage("M-2102"));
    assert_eq!(refused(dir, &["watch"]), ("M-2001".to_owned(), 3));
    assert_eq!(
        refused(dir, &["init", "--root", "--unit", "465@2024-05-01"]),
        usage("M-2102")
    );
    assert_eq!(refused(&dir.join("no"), &["status"]), usage("M-2101"));
    assert_eq!(hopluu(dir, &["nope"]).status.code(), Some(2));
    let vietnamese = text(&hopluu(dir, &report("set", &["N.dead=1"])).stderr);
    assert!(vietnamese.starts_with("lỗi M-1201: ") && vietnamese.contains("\ngợi ý: "));
    let english = text(
        &hopluu(
            dir,
            &[&["--lang", "en"], &*report("set", &["N.dead=1"])].concat(),
        )
        .stderr,
    );
    assert!(
        english.starts_with("error M-1201: ") && english.contains("\nhint: "),
        "{english}"
    );
    assert_eq!(
        json(dir, &["report", "list"]).0,
        Value::Array(Vec::new()),
        "nothing was saved"
    );
}

#[test]
fn a_command_line_that_is_not_understood_is_refused_as_json_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let usage = |words: &[&str]| {
        let (problem, code) = json(dir.path(), words);
        assert_eq!((code, &problem["code"]), (2, &"M-2000".into()), "{problem}");
        assert_eq!(problem["fault"], "config");
        problem["message"].clone()
    };
    assert_eq!(usage(&["nope"])["vi"], "không có lệnh `nope`");
    let missing = usage(&["rollup"]);
    assert_eq!(
        (&missing["vi"], &missing["en"]),
        (&"thiếu lệnh con".into(), &"a command is missing".into())
    );
    let missing = usage(&["rollup", "show", "465"]);
    assert_eq!(missing["en"], "<FORM>, <PERIOD> is missing");
    assert_eq!(
        usage(&["status", "--nope"])["vi"],
        "không có tham số `--nope`"
    );
}

#[test]
fn a_file_that_is_not_there_takes_nothing_from_the_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let flood = "../../config/forms/flood-quick.toml";
    let done = hopluu(dir.path(), &["form", "check", flood, "nofile", flood]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(
        text(&done.stdout).lines().count(),
        2,
        "{}",
        text(&done.stdout)
    );
    assert!(text(&done.stderr).contains("M-2009"));
    let mut check = command(dir.path(), &["form", "check", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = check.stdin.take().expect("a pipe");
    input.write_all(b"id = 1\n").expect("it reads");
    drop(input);
    assert_eq!(check.wait().expect("it ends").code(), Some(4));
}

#[test]
fn each_refused_file_is_told_with_its_name_its_code_and_what_to_do() {
    let dir = root();
    let dir = dir.path();
    let plain = dir.join("ghi chú.txt");
    std::fs::write(&plain, "no bundle, no scan").expect("a file");
    let plain = plain.to_str().expect("a plain path");
    let gone = dir.join("gone.hlb");
    let gone = gone.to_str().expect("a plain path");
    let told = text(&hopluu(dir, &["bundle", "import", gone, plain]).stdout);
    assert!(told.contains(&format!("{gone}: lỗi M-2009: ")), "{told}");
    let second = told.split_once(&format!("{plain}: lỗi M-1601: "));
    let (_, second) = second.expect("it has its code too");
    assert!(second.contains("\n  gợi ý: "), "{told}");

    let (problem, code) = json(dir, &report("attach", &[plain, "--new"]));
    assert_eq!((code, &problem["code"]), (2, &"M-1213".into()), "{problem}");
    let message = problem["message"]["en"].as_str().expect("a message");
    assert!(message.starts_with(plain), "{message}");
    assert!(problem["hint"].is_object(), "{problem}");
}

#[test]
fn a_hint_is_one_that_can_be_followed() {
    let dir = root();
    let dir = dir.path();
    assert_eq!(json(dir, &report("set", &["--new", "N.dead=3"])).1, 0);
    assert_eq!(json(dir, &report("withdraw", &["--reason", "sai"])).1, 0);
    let (problem, _) = json(dir, &report("new", &["--like", "last"]));
    assert_eq!(problem["code"], "M-1211", "{problem}");

    let file = dir.join("lines");
    let line =
        r#"{"report":{"unit":"19429","form":"flood-quick","period":"x20201019-bao"},"edits":[]}"#;
    std::fs::write(&file, format!("{line}\n{{\n")).expect("a file");
    let file = file.to_str().expect("a plain path");
    let told = text(&hopluu(dir, &["report", "import", file]).stderr);
    assert!(
        told.contains(r#""create":true"#) && !told.contains("--new"),
        "{told}"
    );
    assert!(
        told.contains("JSON không đúng ở dòng 1, cột 1 (chi tiết kỹ thuật"),
        "{told}"
    );
    assert_eq!(
        json(dir, &["units", "add", file]).0["code"],
        "M-2016",
        "it is no event"
    );
    let told = text(&hopluu(dir, &["report", "import", "no/file"]).stderr);
    assert!(
        told.ends_with("no/file: không có tệp hay thư mục này\n"),
        "{told}"
    );
}
