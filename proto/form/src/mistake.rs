//! What can be wrong with a form, where it stands, and how to cure it, in both languages.

use std::fmt;

use hopluu_model::Fault;

use crate::lang::Lang;
use crate::limits::MISTAKES_MAX;

/// Defines the kinds together with their words, so that none can be without.
macro_rules! mistakes {
    ($($(#[$doc:meta])* $kind:ident $code:literal
        vi: $vi:literal, $vi_cure:literal;
        en: $en:literal, $en_cure:literal;)*) => {
        /// What is wrong. The code of a kind never changes its meaning: people look it up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum MistakeKind {
            $($(#[$doc])* $kind,)*
        }

        impl MistakeKind {
            /// Every kind, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The stable code, `F-012`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            fn words(self, lang: Lang) -> (&'static str, &'static str) {
                match (self, lang) {
                    $((Self::$kind, Lang::Vi) => ($vi, $vi_cure),
                      (Self::$kind, Lang::En) => ($en, $en_cure),)*
                }
            }
        }
    };
}

mistakes! {
    /// Not TOML.
    Syntax "F-001"
        vi: "không đúng cú pháp TOML: {0}", "sửa chỗ này theo cú pháp TOML";
        en: "not valid TOML: {0}", "write it as TOML asks";
    /// The text is over its bound.
    FormTooLong "F-002"
        vi: "biểu mẫu dài {0} byte, nhiều nhất là {1}", "bỏ bớt dòng hoặc chú thích";
        en: "the form has {0} bytes, at most {1} are allowed", "leave out lines or comments";
    /// A list is over its bound.
    TooMany "F-003"
        vi: "có {1} {0}, nhiều nhất là {2}", "chia thành hai biểu mẫu";
        en: "{1} of {0}, at most {2} are allowed", "make two forms of it";
    /// A text is empty or over its bound.
    TextLength "F-004"
        vi: "`{0}` dài {1} byte, phải từ 1 đến {2}", "viết lại cho đúng độ dài";
        en: "`{0}` has {1} bytes, it must be 1 to {2}", "write a text of that length";
    /// The same letter can be written in two ways; only one of them is allowed.
    NotNfc "F-005"
        vi: "`{0}` không ở dạng Unicode dựng sẵn (NFC)", "gõ lại chữ có dấu bằng bảng mã Unicode dựng sẵn: {1}";
        en: "`{0}` is not in Unicode form NFC", "type the accented letters anew in composed form: {1}";
    /// Line breaks or worse within a label.
    ControlCharacter "F-006"
        vi: "`{0}` chứa ký tự điều khiển (xuống dòng, tab...)", "viết trên một dòng, không dùng tab";
        en: "`{0}` holds a control character (line break, tab ...)", "write it on one line without tabs";
    /// A key nobody reads.
    UnknownKey "F-007"
        vi: "{1} không có khóa `{0}`", "dùng một trong: {2}";
        en: "{1} has no key `{0}`", "use one of: {2}";
    /// A key that must be there.
    MissingKey "F-008"
        vi: "{1} thiếu khóa `{0}`", "thêm `{0} = ...`";
        en: "{1} lacks the key `{0}`", "add `{0} = ...`";
    /// A number where a text is asked, and so on.
    WrongType "F-009"
        vi: "`{0}` phải là {1}", "viết `{0} = {2}`";
        en: "`{0}` must be {1}", "write `{0} = {2}`";
    /// A name outside its grammar.
    BadName "F-010"
        vi: "`{1}` không dùng được cho `{0}`", "quy tắc: {2}";
        en: "`{1}` cannot stand for `{0}`", "rule: {2}";
    /// A word outside a closed list.
    UnknownWord "F-011"
        vi: "`{0}` không nhận giá trị `{1}`", "dùng một trong: {2}";
        en: "`{0}` does not know `{1}`", "use one of: {2}";
    /// A name given twice.
    Duplicate "F-012"
        vi: "{0} `{1}` đã có ở dòng {2}", "đổi tên hoặc xóa một trong hai";
        en: "{0} `{1}` stands already in line {2}", "rename or remove one of the two";
    /// A line hangs under one that is not there.
    UnknownParent "F-013"
        vi: "chỉ tiêu `{0}` có dòng cha `{1}` không tồn tại", "sửa `parent` hoặc thêm dòng `{1}`";
        en: "line `{0}` hangs under `{1}`, which does not exist", "correct `parent` or add a line `{1}`";
    /// A line above or beside itself.
    Cycle "F-014"
        vi: "các dòng nối nhau thành vòng: {0}", "bỏ `parent` của một dòng trong vòng";
        en: "lines hang under each other in a circle: {0}", "remove the `parent` of one of them";
    /// A parent printed below its child.
    ParentBelow "F-015"
        vi: "dòng `{0}` đứng trước dòng `{1}` mà nó thuộc về", "chuyển `{0}` xuống dưới `{1}`";
        en: "line `{0}` stands before `{1}`, to which it belongs", "move `{0}` below `{1}`";
    /// Too many steps down.
    TooDeep "F-016"
        vi: "dòng `{0}` ở bậc thứ {1}, nhiều nhất là {2}", "giảm số bậc";
        en: "line `{0}` is {1} steps deep, at most {2} are allowed", "use fewer steps";
    /// An office that the form does not list.
    UnknownOffice "F-017"
        vi: "`{0}` nhắc đến cơ quan `{1}` không có trong danh sách", "thêm [[office]] với id = \"{1}\" hoặc sửa tên";
        en: "`{0}` names the office `{1}`, which is not listed", "add an [[office]] with id = \"{1}\" or correct the name";
    /// A measure that the form does not list.
    UnknownMeasure "F-018"
        vi: "đơn vị tính `{0}` không có trong [measures]", "thêm `{0}` vào [measures] hoặc sửa tên";
        en: "the measure `{0}` is not in [measures]", "add `{0}` to [measures] or correct the name";
    /// A level that the form does not list.
    UnknownLevel "F-019"
        vi: "cấp `{0}` không có trong [levels]", "thêm `{0}` vào [levels] hoặc sửa tên";
        en: "the level `{0}` is not in [levels]", "add `{0}` to [levels] or correct the name";
    /// A total of nothing.
    SumWithoutAddends "F-020"
        vi: "`{0}` là tổng các phần nhưng không dòng nào có part = \"addend\" của nó", "đánh dấu các dòng thành phần hoặc bỏ `sum_of_parts`";
        en: "`{0}` is a sum of parts, yet no line is its part = \"addend\"", "mark the lines that add up to it or remove `sum_of_parts`";
    /// A part that adds to a line that is no total.
    AddendOfNoSum "F-021"
        vi: "`{0}` cộng vào `{1}` nhưng `{1}` không có sum_of_parts = true", "thêm sum_of_parts = true ở `{1}` hoặc đổi thành part = \"subset\"";
        en: "`{0}` adds to `{1}`, which has no sum_of_parts = true", "add sum_of_parts = true to `{1}` or make it part = \"subset\"";
    /// A part of a heading.
    PartOfNothing "F-022"
        vi: "`{0}` là một phần của `{1}`, nhưng đó không phải dòng có số liệu đứng trên nó", "ghi `whole` = mã dòng số liệu mà nó là một phần";
        en: "`{0}` is part of `{1}`, which is no line with a figure above it", "name in `whole` the line with a figure of which it is a part";
    /// Part and whole are counted in different things.
    MeasuresDiffer "F-023"
        vi: "`{0}` tính bằng `{1}` nhưng `{2}` tính bằng `{3}`: không cộng và không so sánh được", "dùng cùng một đơn vị tính hoặc đổi thành part = \"attribute\"";
        en: "`{0}` is counted in `{1}`, but `{2}` in `{3}`: they cannot be added or compared", "use one measure or make it part = \"attribute\"";
    /// A total and its addends rise by different rules, so the total would be wrong above.
    AddendRulesDiffer "F-024"
        vi: "`{0}` cộng vào `{1}` nhưng `{2}` của hai dòng khác nhau", "ghi `{2}` như nhau ở cả hai dòng";
        en: "`{0}` adds to `{1}`, but their `{2}` differ", "give both the same `{2}`";
    /// What is typed cannot be added up that way.
    RuleDoesNotFit "F-025"
        vi: "`{0}` = \"{1}\" không hợp với entered = \"{2}\"", "với entered = \"{2}\" dùng một trong: {3}";
        en: "`{0}` = \"{1}\" does not fit entered = \"{2}\"", "with entered = \"{2}\" use one of: {3}";
    /// Who enters does not fit how it adds up.
    EnteredAtDoesNotFit "F-026"
        vi: "entered_at = \"{0}\" không hợp với over_units = \"{1}\"", "bỏ `entered_at`: over_units = \"{1}\" tự nói ai nhập";
        en: "entered_at = \"{0}\" does not fit over_units = \"{1}\"", "remove `entered_at`: over_units = \"{1}\" says who enters";
    /// A line written by each office that no office shares, or that does not add up.
    ByOfficeDoesNotFit "F-027"
        vi: "`{0}` có by_office = true nhưng không phải số cộng được của ít nhất hai cơ quan", "bỏ `by_office` hoặc thêm `contributors`";
        en: "`{0}` has by_office = true, but is no sum of at least two offices", "remove `by_office` or add `contributors`";
    /// A heading with keys of a cell.
    HeadingWithCell "F-028"
        vi: "tiêu đề `{0}` không có ô số liệu nên không nhận khóa `{1}`", "bỏ `{1}` hoặc bỏ heading = true";
        en: "`{0}` is a heading and has no cell for the key `{1}`", "remove `{1}` or remove heading = true";
    /// No level owes the report.
    NoReportingLevel "F-029"
        vi: "không cấp nào phải báo cáo", "ghi ít nhất một cấp trong levels.reporting";
        en: "no level owes the report", "name at least one level in levels.reporting";
    /// No period at all.
    NoCalendar "F-030"
        vi: "biểu mẫu không có kỳ báo cáo nào", "thêm ít nhất một [[calendar]]";
        en: "the form has no period", "add at least one [[calendar]]";
    /// A period made of parts that do not make it up.
    BadParts "F-031"
        vi: "kỳ `{0}` không ghép được từ các kỳ `{1}`", "khai [[calendar]] cho `{1}`, là phần nhỏ hơn của `{0}`, với cùng cut_off";
        en: "the period `{0}` is not made up of periods `{1}`", "add a [[calendar]] for `{1}`, which must divide `{0}` and have the same cut_off";
    /// A due date that cannot be read.
    BadDue "F-032"
        vi: "hạn `{0}` không đọc được", "viết \"before 20\" (trước ngày 20 tháng cuối kỳ), \"by 11-05\" (đến hết ngày 5 tháng 11) hoặc \"by +2 days\" (2 ngày sau khi hết kỳ)";
        en: "the due date `{0}` cannot be read", "write \"before 20\" (of the last month), \"by 11-05\" (5 November, that day included) or \"by +2 days\" (after the last day)";
    /// Added by a version that is not yet there.
    SinceLater "F-033"
        vi: "`{0}` có từ bản phụ {1} nhưng biểu mẫu là bản {2}", "nâng version của biểu mẫu hoặc sửa `since`";
        en: "`{0}` exists since minor version {1}, but the form has version {2}", "raise the form's version or correct `since`";
    /// A form that asks nothing.
    Empty "F-034"
        vi: "biểu mẫu không có dòng số liệu và cũng không có phần lời", "thêm ít nhất một [[line]] hoặc [[section]]";
        en: "the form has neither a line with a figure nor a section", "add at least one [[line]] or [[section]]";
    /// A number outside its range.
    OutOfRange "F-035"
        vi: "`{0}` = {1} nằm ngoài khoảng {2}", "dùng số trong khoảng {2}";
        en: "`{0}` = {1} is outside {2}", "use a number within {2}";
}

/// One mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub kind: MistakeKind,
    /// The names and numbers that its words speak of.
    pub(crate) details: Vec<Detail>,
}

/// What fills a gap in the words of a mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// The same in both languages: a name, a number, a piece of the form.
    Plain(String),
    /// Words: Vietnamese, English.
    Words(&'static str, &'static str),
}

impl Detail {
    /// The name of a table; the form as a whole has words.
    pub(crate) fn table(name: &str) -> Self {
        match name {
            "form" => Self::Words("biểu mẫu", "the form"),
            _ => Self::piece(name),
        }
    }

    /// A piece of the form, shortened and made harmless for a terminal.
    pub(crate) fn piece(text: &str) -> Self {
        let mut shown: String = text
            .chars()
            .take(PIECE_CHARS_MAX)
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        if text.chars().nth(PIECE_CHARS_MAX).is_some() {
            shown.push('…');
        }
        Self::Plain(shown)
    }

    fn in_lang(&self, lang: Lang) -> &str {
        match (self, lang) {
            (Self::Plain(text), _) => text,
            (Self::Words(vi, _), Lang::Vi) => vi,
            (Self::Words(_, en), Lang::En) => en,
        }
    }
}

/// Most characters of the form repeated in a message: enough to find the place.
const PIECE_CHARS_MAX: usize = 60;

impl Mistake {
    /// What is wrong, without code and place.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        filled(self.kind.words(lang).0, &self.details, lang)
    }

    /// What to do about it.
    #[must_use]
    pub fn cure(&self, lang: Lang) -> String {
        filled(self.kind.words(lang).1, &self.details, lang)
    }

    /// All of it in one line: `dòng 12, cột 3: F-013 ... (...)`.
    #[must_use]
    pub fn full(&self, lang: Lang) -> String {
        let (line, column) = match lang {
            Lang::Vi => ("dòng", "cột"),
            Lang::En => ("line", "column"),
        };
        format!(
            "{line} {}, {column} {}: {} {}; {}",
            self.line,
            self.column,
            self.kind.code(),
            self.message(lang),
            self.cure(lang)
        )
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.full(Lang::En))
    }
}

/// Puts the details into `{0}`, `{1}` ... in one pass, so that a detail with braces stays itself.
fn filled(template: &str, details: &[Detail], lang: Lang) -> String {
    let mut text = String::with_capacity(template.len() + 40);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (index, after) = after.split_once('}').unwrap_or((after, ""));
        let detail = index.parse().ok().and_then(|i: usize| details.get(i));
        text.push_str(detail.map_or("?", |detail| detail.in_lang(lang)));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Everything that is wrong with a form, in the order of the text.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the form has {} mistakes, the first in line {}", .mistakes.len() + .left_off, first_line(.mistakes))]
pub struct FormErrors {
    /// The mistakes, at most [`MISTAKES_MAX`].
    pub mistakes: Vec<Mistake>,
    /// How many more there are.
    pub left_off: usize,
}

fn first_line(mistakes: &[Mistake]) -> usize {
    mistakes.first().map_or(1, |mistake| mistake.line)
}

impl FormErrors {
    pub(crate) fn new(mut mistakes: Vec<Mistake>, mut left_off: usize) -> Self {
        mistakes.sort();
        left_off += mistakes.len().saturating_sub(MISTAKES_MAX);
        mistakes.truncate(MISTAKES_MAX);
        Self { mistakes, left_off }
    }

    /// Who has to act: the form's author.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }

    /// Every mistake with its cure, one a line.
    #[must_use]
    pub fn report(&self, lang: Lang) -> String {
        let mut lines: Vec<_> = self.mistakes.iter().map(|m| m.full(lang)).collect();
        if self.left_off > 0 {
            lines.push(match lang {
                Lang::Vi => format!("và {} lỗi nữa", self.left_off),
                Lang::En => format!("and {} more", self.left_off),
            });
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
