//! Words about people.

use hopluu_form::Lang;

/// Heads of a table, and what stands in it.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) account: &'static str,
    pub(crate) roles: &'static str,
    pub(crate) office: &'static str,
    pub(crate) state: &'static str,
    pub(crate) open: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) revoked: &'static str,
    pub(crate) waits: &'static str,
    pub(crate) nobody: &'static str,
}

const VI: Words = Words {
    account: "tài khoản",
    roles: "vai trò",
    office: "ngành",
    state: "tình trạng",
    open: "đang mở",
    closed: "đã khóa",
    revoked: "đã thu hồi",
    waits: "tạm khóa",
    nobody: "chưa có tài khoản nào: ai mở được thư mục này đều làm được mọi việc",
};

const EN: Words = Words {
    account: "account",
    roles: "roles",
    office: "office",
    state: "state",
    open: "open",
    closed: "closed",
    revoked: "revoked",
    waits: "waits",
    nobody: "no accounts: whoever can open this folder may do everything",
};

pub(crate) fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Vi => &VI,
        Lang::En => &EN,
    }
}

pub(crate) fn passphrase_of(account: &str, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("Mật khẩu của {account}"),
        Lang::En => format!("Passphrase of {account}"),
    }
}

pub(crate) fn new_passphrase_of(account: &str, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("Mật khẩu mới của {account}, nên là bốn năm từ"),
        Lang::En => format!("New passphrase of {account}, best four or five words"),
    }
}

pub(crate) fn logged_out(lang: Lang) -> &'static str {
    match lang {
        Lang::Vi => "đã đăng xuất",
        Lang::En => "logged out",
    }
}

/// Who is logged in, with what, until when.
pub(crate) fn session(
    account: Option<&str>,
    roles: &str,
    office: Option<&str>,
    until: Option<&str>,
    lang: Lang,
) -> String {
    let Some(account) = account else {
        return words(lang).nobody.to_owned();
    };
    let office = office.map_or_else(String::new, |office| format!(" ({office})"));
    let until = until.unwrap_or_default();
    match lang {
        Lang::Vi => format!("{account}{office}: {roles}; đến {until}"),
        Lang::En => format!("{account}{office}: {roles}; until {until}"),
    }
}
