//! Words about what opens an encrypted folder.

use std::io;
use std::path::{Path, PathBuf};

use hopluu_api::text::Both;
use hopluu_engine::{HomeError, SecretError, SecretKind};
use hopluu_form::Lang;

use super::cause;
use crate::failure::{Exit, Failure};

pub(crate) fn passphrase(lang: Lang) -> &'static str {
    match lang {
        Lang::Vi => "Mật khẩu mở thư mục của nút",
        Lang::En => "Passphrase of the node's folder",
    }
}

pub(crate) fn passphrase_of_backup(lang: Lang) -> &'static str {
    match lang {
        Lang::Vi => "Mật khẩu lúc sao lưu",
        Lang::En => "Passphrase that the backup was made under",
    }
}

pub(crate) fn new_passphrase(lang: Lang) -> &'static str {
    match lang {
        Lang::Vi => "Mật khẩu mới (từ 12 ký tự; mất mật khẩu là mất dữ liệu)",
        Lang::En => "New passphrase (12 characters or more; whoever loses it loses the data)",
    }
}

pub(crate) fn once_more(lang: Lang) -> &'static str {
    match lang {
        Lang::Vi => "Gõ lại mật khẩu mới",
        Lang::En => "The new passphrase once more",
    }
}

/// No person is there.
pub(crate) fn nobody_to_ask() -> Failure {
    let message = Both::new(
        "thư mục này cần mật khẩu, nhưng không có ai để hỏi",
        "this folder needs a passphrase, and nobody is there to ask",
    );
    Failure::new(Exit::Usage, "M-2060", message, Some(give_a_file()))
}

/// The terminal does not do as it should.
pub(crate) fn no_terminal(error: &io::Error) -> Failure {
    let message = Both::new(
        format!("không hỏi được mật khẩu{}", cause::of(error)),
        format!("cannot ask for the passphrase: {error}"),
    );
    Failure::new(Exit::Usage, "M-2060", message, Some(give_a_file()))
}

pub(crate) fn not_the_same() -> Failure {
    let message = Both::new(
        "hai lần gõ mật khẩu không giống nhau",
        "the two passphrases differ",
    );
    Failure::new(Exit::Usage, "M-2061", message, None)
}

/// Only a key file opens it, and none is given.
pub(crate) fn key_file_needed() -> Failure {
    let message = Both::new(
        "thư mục này mở bằng tệp khóa, chưa thấy tệp nào",
        "this folder is opened by a key file, and none is given",
    );
    let hint = Both::new(
        "chỉ ra bằng --home-key-file",
        "give it with --home-key-file",
    );
    Failure::new(Exit::Usage, "M-2062", message, Some(hint))
}

/// There is nothing to decrypt.
pub(crate) fn not_encrypted(dir: &Path) -> Failure {
    HomeError::NotEncrypted(dir.to_owned()).into()
}

/// What is wrong with an encrypted folder: code, words and what to do.
pub(super) fn of_home(error: &HomeError) -> (&'static str, String, Option<Both>) {
    match error {
        HomeError::Closed(dir) => (
            "M-2111",
            format!("{} đã mã hóa, chưa có mật khẩu hay tệp khóa", dir.display()),
            Some(give_a_file()),
        ),
        HomeError::NotEncrypted(dir) => ("M-2112", format!("{} không mã hóa", dir.display()), None),
        HomeError::Secret { dir, source } => (
            "M-2113",
            format!("không mở được {}: {}", dir.display(), why(source)),
            hint(source),
        ),
        other => ("M-2106", other.to_string(), None),
    }
}

/// A secret that is none, before it was tried.
pub(crate) fn wrong(error: &SecretError) -> Failure {
    let message = Both::new(why(error), error.to_string());
    Failure::new(Exit::Usage, "M-2063", message, None)
}

/// Why a secret opens nothing.
pub(crate) fn why(error: &SecretError) -> String {
    match error {
        SecretError::PassphraseShort => "mật khẩu phải có từ 12 ký tự".to_owned(),
        SecretError::PassphraseLong => "mật khẩu dài quá 256 ký tự".to_owned(),
        SecretError::KeyFileLength => "tệp khóa phải có từ 32 đến 4096 byte".to_owned(),
        SecretError::Wrong(kind) => format!("sai {}", name(*kind, Lang::Vi)),
        SecretError::NoSlot(kind) => {
            format!("không mở bằng {}, mà bằng cách khác", name(*kind, Lang::Vi))
        }
        SecretError::Damaged => {
            "khóa bọc store.key bị hỏng, hoặc của chương trình mới hơn".to_owned()
        }
        SecretError::Random(_) => "máy không cho số ngẫu nhiên".to_owned(),
    }
}

fn name(kind: SecretKind, lang: Lang) -> &'static str {
    match (kind, lang) {
        (SecretKind::Passphrase, Lang::Vi) => "mật khẩu",
        (SecretKind::Passphrase, Lang::En) => "a passphrase",
        (SecretKind::KeyFile, Lang::Vi) => "tệp khóa",
        (SecretKind::KeyFile, Lang::En) => "a key file",
    }
}

/// What to do where a folder stays closed.
pub(crate) fn hint(error: &SecretError) -> Option<Both> {
    let hint = match error {
        SecretError::Wrong(_) => Both::new(
            "thử lại; dữ liệu vẫn như cũ",
            "try again; what the node holds is as it was",
        ),
        SecretError::NoSlot(_) => give_a_file(),
        SecretError::Damaged => Both::new(
            "chép lại store.key từ nơi cất giữ, hoặc xóa nó rồi `hopluu restore` với một bản sao lưu",
            "put store.key back from where it is kept, or remove it and `hopluu restore` a backup",
        ),
        _ => return None,
    };
    Some(hint)
}

/// How a folder is opened without a terminal.
pub(crate) fn give_a_file() -> Both {
    Both::new(
        "dùng --home-passphrase-file hoặc --home-key-file",
        "use --home-passphrase-file or --home-key-file",
    )
}

/// What the doctor says first.
pub(crate) fn is_encrypted(is_it: bool, lang: Lang) -> &'static str {
    match (lang, is_it) {
        (Lang::Vi, true) => "cơ sở dữ liệu đã mã hóa",
        (Lang::Vi, false) => "cơ sở dữ liệu không mã hóa",
        (Lang::En, true) => "the database is encrypted",
        (Lang::En, false) => "the database is not encrypted",
    }
}

/// After `encrypt`, `decrypt` and `passphrase`.
pub(crate) fn answer(opened_by: &[SecretKind], readable: &[PathBuf], lang: Lang) -> String {
    let names: Vec<_> = opened_by.iter().map(|kind| name(*kind, lang)).collect();
    let mut text = match (lang, names.is_empty()) {
        (Lang::Vi, true) => "thư mục không mã hóa".to_owned(),
        (Lang::En, true) => "the folder is not encrypted".to_owned(),
        (Lang::Vi, false) => format!(
            "thư mục đã mã hóa, mở bằng {}; hãy cất một bản của store.key ở nơi khác",
            names.join(" hoặc ")
        ),
        (Lang::En, false) => format!(
            "the folder is encrypted, opened by {}; keep a copy of store.key elsewhere",
            names.join(" or ")
        ),
    };
    for path in readable {
        let path = path.display();
        text.push_str(&match lang {
            Lang::Vi => format!("\n{path} chưa mã hóa: chép đi hoặc xóa"),
            Lang::En => format!("\n{path} is not encrypted: move it away or remove it"),
        });
    }
    text
}
