//! Words about the time.

use hopluu_form::Lang;

use super::word;

/// Names of what is shown.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) clock: &'static str,
    pub(crate) root: &'static str,
    pub(crate) here: &'static str,
    pub(crate) before: &'static str,
    pub(crate) unheard: &'static str,
}

const VI: Words = Words {
    clock: "đồng hồ của máy",
    root: "gốc nói ít nhất là",
    here: "người quản trị ở đây nói ít nhất là",
    before: "không tin ai nói từ",
    unheard: " (không tính)",
};

const EN: Words = Words {
    clock: "machine's clock",
    root: "the root says at least",
    here: "an administrator here says at least",
    before: "nobody is believed who says",
    unheard: " (does not count)",
};

pub(crate) fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::Vi => &VI,
        Lang::En => &EN,
    }
}

/// The latest time there is evidence of.
pub(crate) fn evidence(lang: Lang) -> &'static str {
    word(lang, "có bằng chứng đã đến", "evidence of time")
}
