//! The two languages a form speaks.

/// In which language a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Lang {
    /// Vietnamese, what an office sees unless it asks otherwise.
    #[default]
    Vi,
    /// English.
    En,
}

/// A text in both languages, NFC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// Vietnamese: what is printed.
    pub vi: String,
    /// English: empty where the form's author gave none.
    pub en: String,
}

impl Text {
    /// The text in `lang`; Vietnamese where the English one is missing.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::En if !self.en.is_empty() => &self.en,
            _ => &self.vi,
        }
    }
}
