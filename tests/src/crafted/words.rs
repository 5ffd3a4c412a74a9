//! What is text: tickets, joins, forms and tables of units.

use hopluu_form::Form;
use hopluu_model::tree::{TreeManifest, load_snapshots};
use hopluu_trust::Ticket;

use super::{Answer, Crafted, Host, INPUT_BYTES_MAX, Way};

pub(super) fn inputs(_host: &Host) -> Vec<Crafted> {
    let unread = |name, read: fn(&str) -> bool, text: String| {
        Crafted::new(name, Way::Words(read, text), Answer::Unread)
    };
    vec![
        unread(
            "a ticket of 20 KB",
            ticket,
            "HOPLUU1-".to_owned() + &"A".repeat(INPUT_BYTES_MAX - 8),
        ),
        Crafted::new(
            "a join of 20 KB",
            Way::Join(vec![0x80; INPUT_BYTES_MAX]),
            Answer::Unread,
        ),
        unread(
            "a form nested 10,000 deep",
            form,
            "a = ".to_owned() + &"[".repeat(INPUT_BYTES_MAX - 4),
        ),
        unread(
            "a form of 2,000 empty lines",
            form,
            "[[line]]\n".repeat(INPUT_BYTES_MAX / 9),
        ),
        unread("a form whose lines hang in one chain", form, chained()),
        unread(
            "a manifest of 2,000 levels",
            units,
            "[[level]]\n".repeat(INPUT_BYTES_MAX / 10),
        ),
        unread("a table whose units hang in one chain", units, table()),
    ]
}

fn ticket(text: &str) -> bool {
    Ticket::decode(text).is_ok()
}

fn form(text: &str) -> bool {
    Form::parse(text).is_ok()
}

fn units(text: &str) -> bool {
    let (manifest, table) = text.split_once("\n---\n").unwrap_or((text, ""));
    let read = |_: &str| Some(table.to_owned());
    TreeManifest::parse(manifest).is_ok_and(|manifest| load_snapshots(&manifest, &read).is_ok())
}

fn chained() -> String {
    let head = "id = \"x\"\nversion = \"1.0\"\n[title]\nvi = \"x\"\nen = \"x\"\n";
    let lines = (1..).map(|n| format!("[[line]]\ncode = \"c{n}\"\nparent = \"c{}\"\n", n - 1));
    cut(head.to_owned(), lines)
}

fn table() -> String {
    let head = "[[level]]\nid = \"a\"\nvi = \"a\"\nen = \"a\"\n[[snapshot]]\non = 2024-05-01\n\
                file = \"t.csv\"\n---\ncode,name,level,kind,parent_code\n";
    let rows = (10_000..).map(|n| format!("{n},A,a,a,{}\n", n - 1));
    cut(head.to_owned(), rows)
}

fn cut(mut text: String, lines: impl Iterator<Item = String>) -> String {
    for line in lines {
        if text.len() + line.len() > INPUT_BYTES_MAX {
            break;
        }
        text.push_str(&line);
    }
    text
}
