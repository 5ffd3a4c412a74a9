//! What the engine has to say to a person, Vietnamese first: one place, one entry for every error.

pub mod attachment;
mod bundle;
pub mod people;

use hopluu_engine::{CommandError, UndoBar, Void};
use hopluu_form::Lang;
use hopluu_model::{Date, ErrorChain};
use serde::{Deserialize, Serialize};

/// A message in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both {
    /// Vietnamese: what a person sees unless they ask otherwise.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Both {
    /// A message of two texts.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            vi: vi.into(),
            en: en.into(),
        }
    }

    /// The text in one language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Vi => &self.vi,
            Lang::En => &self.en,
        }
    }
}

/// Words that only a maintainer reads, behind a Vietnamese sentence that says it without them.
#[must_use]
pub fn technical(words: &str) -> String {
    format!("(chi tiết kỹ thuật: {words})")
}

/// What is wrong with JSON that somebody wrote, in Vietnamese: where, and only then the library's words.
#[must_use]
pub fn json_vi(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let words = technical(&error.to_string());
    format!("JSON không đúng ở dòng {line}, cột {column} {words}")
}

fn technical_chain(error: &CommandError) -> String {
    technical(&ErrorChain(error).to_string())
}

/// What to do about an import's line for a report that is not there.
#[must_use]
pub fn create_in_import() -> Both {
    Both::new(
        r#"thêm "create":true vào dòng này để mở báo cáo"#,
        r#"add "create":true to the line to open the report"#,
    )
}

/// What went wrong.
#[must_use]
#[expect(
    clippy::too_many_lines,
    reason = "one table, exhaustive over the engine's errors"
)]
pub fn message(error: &CommandError) -> Both {
    let en = match error {
        CommandError::Value { code, source } => {
            format!("{code}: {} {}", source.code(), source.message(Lang::En))
        }
        CommandError::UnknownUnit { text, on } if is_any_day(on) => {
            format!("no unit `{text}` in the tree")
        }
        CommandError::UnknownPeriod { text, takes, .. } if takes.is_empty() => {
            format!("`{text}` is not a period")
        }
        CommandError::UnknownOffice { office, .. } if office.is_empty() => {
            "it is not clear which office this figure or text is of".to_owned()
        }
        CommandError::UnknownOffice { office, known } if known.is_empty() => {
            format!("office `{office}` has no part here")
        }
        CommandError::Store(_) | CommandError::Backup(_) => ErrorChain(error).to_string(),
        _ => error.to_string(),
    };
    let vi = match error {
        CommandError::UnknownUnit { text, on } if is_any_day(on) => {
            format!("không có đơn vị `{text}` trong cây đơn vị")
        }
        CommandError::UnknownUnit { text, on } => {
            format!("không có đơn vị `{text}` trong cây đơn vị ngày {on}")
        }
        CommandError::AmbiguousUnit { text, candidates } => {
            format!("`{text}` là mã của {} đơn vị khác nhau", candidates.len())
        }
        CommandError::UnknownForm { text, .. } => format!("không có biểu mẫu `{text}`"),
        CommandError::UnknownPeriod { text, takes, .. } if takes.is_empty() => {
            format!("`{text}` không phải kỳ báo cáo")
        }
        CommandError::UnknownPeriod { text, form, .. } => {
            format!("`{text}` không phải kỳ báo cáo của biểu mẫu `{form}`")
        }
        CommandError::UnknownLine { code, form, .. } => {
            format!("biểu mẫu `{form}` không có ô số liệu `{code}`")
        }
        CommandError::UnknownSection { section, form, .. } => {
            format!("biểu mẫu `{form}` không có mục `{section}`")
        }
        CommandError::UnknownOffice { office, .. } if office.is_empty() => {
            "chưa rõ số liệu hoặc đoạn văn này của ngành nào".to_owned()
        }
        CommandError::UnknownOffice { office, .. } => {
            format!("ngành `{office}` không có phần ở đây")
        }
        CommandError::TextTooLong { length, most } => {
            format!("đoạn văn dài {length} ký tự hoặc byte, tối đa {most}")
        }
        CommandError::Value { code, source } => {
            format!("{code}: {} {}", source.code(), source.message(Lang::Vi))
        }
        CommandError::NoReport { unit, form, period } => {
            format!("ở đây chưa có báo cáo `{form}` kỳ {period} của đơn vị {unit}")
        }
        CommandError::ReportExists { unit, form, period } => {
            format!("báo cáo `{form}` kỳ {period} của đơn vị {unit} đã có rồi")
        }
        CommandError::NoPrevious { period } => {
            format!("không có báo cáo của kỳ trước kỳ {period} để lấy làm mẫu")
        }
        CommandError::NotReporting { unit, form } => {
            format!("đơn vị {unit} không phải báo cáo theo biểu mẫu `{form}`")
        }
        CommandError::NotOurs { own, unit } => {
            format!("máy này chỉ ghi cho đơn vị {own}, không ghi cho {unit}")
        }
        CommandError::NotTold { unit } => {
            format!("máy này không được gửi đủ báo cáo để tổng hợp đơn vị {unit}")
        }
        CommandError::OtherOffice { own, office } => {
            format!("đây là máy của ngành `{own}`, không ghi thay ngành `{office}`")
        }
        CommandError::NotThen { unit, period, day } => {
            format!("đơn vị {unit} không có trong danh mục ngày {day}, ngày cuối của kỳ {period}")
        }
        CommandError::Withdrawn {
            unit,
            period,
            reason,
        } => {
            format!("báo cáo của {unit} kỳ {period} đã được rút: {reason}")
        }
        CommandError::NoReason => "rút báo cáo phải nêu lý do".to_owned(),
        CommandError::Attachment(error) => attachment::message_vi(error),
        CommandError::NoAttachment { text, .. } => {
            format!("báo cáo không có đúng một tệp đính kèm `{text}`")
        }
        CommandError::NotHereYet { name, held, bytes } => {
            let (held, bytes) = (attachment::megabytes(*held), attachment::megabytes(*bytes));
            format!("tệp đính kèm `{name}` mới về được {held} trong {bytes}")
        }
        CommandError::NoRoom { most, of_unit } => {
            let most = attachment::megabytes(*most);
            let whose = if *of_unit {
                "của một đơn vị"
            } else {
                "trên máy này"
            };
            format!("hết chỗ cho tệp đính kèm: tối đa {most} {whose}")
        }
        CommandError::NoConflict { code } => format!("`{code}` không có số liệu trái nhau"),
        CommandError::NoCompartment { name } => {
            format!("ở đây không có ngăn riêng `{name}` nào của báo cáo này mà máy được đọc")
        }
        CommandError::NothingToUndo { why } => {
            format!("không hoàn tác được: {}", undo_bar_vi(*why))
        }
        CommandError::MayNotIssue { what } => {
            format!("máy này không có quyền cấp: {}", asked_vi(what))
        }
        CommandError::UnknownName { text, found } => {
            format!("`{text}` ứng với {found} tên, không phải một")
        }
        CommandError::GivenAway { cells } => format!(
            "những bảng của kỳ này đã công bố làm lộ {cells} số liệu lần này phải che: không công bố được"
        ),
        CommandError::NotGranted { what, why } => {
            format!("máy này không được ghi `{what}`: {}", void_vi(*why))
        }
        CommandError::NoAddress => "chưa biết địa chỉ nào để máy mới gọi đến máy này".to_owned(),
        CommandError::OneMainNode { unit } => {
            format!("`{unit}` đã có máy chính: chính là máy này")
        }
        CommandError::NotBelow { own, unit } => {
            format!("máy này chỉ mời cho đơn vị {own} và các đơn vị bên dưới, không mời cho {unit}")
        }
        CommandError::GrantOutside { within, unit } => {
            format!(
                "quyền chỉ giao được trong {within} và các đơn vị bên dưới, không giao được cho {unit}"
            )
        }
        CommandError::TicketHours { hours, most } => {
            format!("mã mời có hiệu lực từ 1 đến {most} giờ, không thể là {hours} giờ")
        }
        CommandError::TimeOutside => "ngày này trước năm 2026 hoặc sau hết năm 2199".to_owned(),
        CommandError::WrongBefore { at, before } => {
            format!("đã là {at} thì không thể coi ngày {before} trở đi là sai")
        }
        CommandError::BadAddress { text } => format!("`{text}` không phải địa chỉ MÁY:CỔNG"),
        CommandError::FormNotNewer { known } => format!(
            "ở đây đã có bản {known} của biểu mẫu; sửa biểu mẫu hay nơi áp dụng phải dùng số bản cao hơn"
        ),
        CommandError::Form(mistakes) => {
            format!("biểu mẫu có lỗi: {}", mistakes.report(Lang::Vi))
        }
        CommandError::Refused { what, detail } => {
            format!(
                "{} không được chấp nhận{}",
                asked_vi(what),
                refused_vi(detail)
            )
        }
        CommandError::Bundle(error) => bundle::message_vi(error),
        CommandError::People(error) => people::message_vi(error),
        CommandError::Backup(_) => format!("không sao lưu được {}", technical_chain(error)),
        CommandError::DiskFull => {
            "ổ đĩa đã đầy: lần này chưa lưu được, những gì đã lưu trước đó vẫn an toàn".to_owned()
        }
        CommandError::Store(_) => {
            format!("cơ sở dữ liệu không làm được {}", technical_chain(error))
        }
        CommandError::Damaged { doc, detail } => {
            format!("không đọc được tài liệu {doc} {}", technical(detail))
        }
        CommandError::TooMuch { what, most } => {
            format!("quá nhiều cùng lúc: {}, tối đa {most}", asked_vi(what))
        }
        CommandError::Overloaded => {
            "ổ đĩa ghi không kịp: lần này chưa lưu được, những gì đã lưu vẫn an toàn".to_owned()
        }
        CommandError::NotSynced { .. } => {
            "cấp trên chưa gửi gì xuống: máy này chưa biết đơn vị và biểu mẫu nào".to_owned()
        }
        CommandError::Stopping => "nút đang dừng".to_owned(),
    };
    Both { vi, en }
}

/// What to do about it.
#[must_use]
#[expect(
    clippy::too_many_lines,
    reason = "one table, exhaustive over the engine's errors"
)]
pub fn hint(error: &CommandError) -> Option<Both> {
    let hint = match error {
        CommandError::UnknownUnit { .. } => Both::new(
            "xem mã bằng `hopluu units tree`; đơn vị của thời kỳ khác viết MÃ@NGÀY",
            "see the codes with `hopluu units tree`; write CODE@DATE for a unit of another time",
        ),
        CommandError::AmbiguousUnit { candidates, .. } => {
            let list: Vec<_> = candidates
                .iter()
                .map(|(unit, name)| format!("{unit} ({name})"))
                .collect();
            let list = list.join(", ");
            Both::new(format!("hãy chọn: {list}"), format!("choose: {list}"))
        }
        CommandError::UnknownForm { known, .. } => {
            known_ones("biểu mẫu đang có", "forms known here", known)
        }
        CommandError::UnknownPeriod { takes, .. } if takes.is_empty() => {
            let all = PERIOD_EXAMPLES.map(|(_, example)| example.to_owned());
            known_ones("kỳ báo cáo viết như", "a period is written like", &all)
        }
        CommandError::UnknownPeriod { takes, .. } => {
            known_ones("loại kỳ báo cáo được nhận", "it takes", &examples(takes))
        }
        CommandError::UnknownLine { near, .. } if near.is_empty() => return None,
        CommandError::UnknownLine { near, .. } => known_ones("mã gần giống", "close to it", near),
        CommandError::UnknownSection { known, .. } => {
            known_ones("các mục đang có", "it has", known)
        }
        CommandError::UnknownOffice { known, .. } if known.is_empty() => Both::new(
            "ô này là một số chung, không chia theo ngành: bỏ phần @ngành",
            "this figure is not split by office: leave out @office",
        ),
        CommandError::UnknownOffice { known, .. } => known_ones(
            "các ngành có phần, chọn bằng --office",
            "choose with --office",
            known,
        ),
        CommandError::TextTooLong { .. } => {
            Both::new("chia sang các mục khác", "split it over other sections")
        }
        CommandError::NoReport { .. } => Both::new(
            "mở báo cáo bằng `hopluu report new` hoặc thêm --new khi nhập",
            "open it with `hopluu report new`, or add --new when you set figures",
        ),
        CommandError::ReportExists { .. } => Both::new(
            "nhập tiếp bằng `hopluu report set`; báo cáo thứ hai cùng kỳ dùng --instance 1, và không được cộng vào số tổng hợp",
            "go on with `hopluu report set`; a second one of the period takes --instance 1, and counts in no total",
        ),
        CommandError::NoPrevious { .. } => Both::new(
            "mở báo cáo trống: bỏ --like last",
            "open an empty one: leave out --like last",
        ),
        CommandError::NotReporting { .. } => Both::new(
            "xem cấp báo cáo bằng `hopluu form show`",
            "see who reports with `hopluu form show`",
        ),
        CommandError::NotOurs { .. } => Both::new(
            "số liệu của đơn vị khác do máy của đơn vị đó hoặc của cấp trên nhập",
            "figures of another unit are entered at its own node or at one above",
        ),
        CommandError::NotTold { .. } => Both::new(
            "xem số tổng hợp ở máy chính của đơn vị đó, hoặc ở cấp trên của nó",
            "ask at the main node of that unit, or above it",
        ),
        CommandError::OtherOffice { .. } => Both::new(
            "ghi ở máy của ngành đó, hoặc ở máy chính của đơn vị",
            "write at the node of that office, or at the unit's main node",
        ),
        CommandError::NotThen { .. } => Both::new(
            "chọn đơn vị có trong kỳ đó: `hopluu units show` cho biết đơn vị nào kế thừa",
            "choose a unit of that period: `hopluu units show` says who succeeded",
        ),
        CommandError::Withdrawn { .. } => Both::new(
            "mở lại bằng `hopluu report new` rồi nhập tiếp",
            "open it again with `hopluu report new` and go on",
        ),
        CommandError::NoReason => Both::new("thêm --reason \"...\"", "add --reason \"...\""),
        CommandError::Attachment(error) => attachment::hint(error),
        CommandError::NoAttachment { known, .. } => known_ones(
            "gọi tệp theo số thứ tự, tên hoặc mã băm; báo cáo có",
            "name it by its number, name or hash; the report has",
            known,
        ),
        CommandError::NotHereYet { .. } => Both::new(
            "tệp về sau cùng, khi đường truyền rảnh; xem bằng `hopluu report attachments`",
            "files come last, when the link is free; look with `hopluu report attachments`",
        ),
        CommandError::NoRoom { .. } => Both::new(
            "gỡ tệp không cần nữa bằng `hopluu report detach`, hoặc quét gọn hơn",
            "take away what is not needed with `hopluu report detach`, or scan it smaller",
        ),
        CommandError::NoConflict { .. } => Both::new(
            "sửa số bằng `hopluu report set`",
            "change it with `hopluu report set`",
        ),
        CommandError::NothingToUndo { why } => undo_hint(*why)?,
        CommandError::NoCompartment { .. } => Both::new(
            "tên các ngăn riêng có trong biểu mẫu: `hopluu form show`",
            "the form names its compartments: `hopluu form show`",
        ),
        CommandError::UnknownName { .. } => Both::new(
            "gõ đủ dài để chỉ còn một; tên có trong `hopluu grant list` và `hopluu void list`",
            "type enough of it; names are in `hopluu grant list` and `hopluu void list`",
        ),
        CommandError::GivenAway { .. } => Both::new(
            "xem lại những số vừa sửa bằng `hopluu audit report`; những gì đã công bố không thu lại được",
            "look at what was corrected with `hopluu audit report`; what was published cannot be taken back",
        ),
        CommandError::NotGranted { why, .. } => match why {
            Void::NoGrant => Both::new(
                "xem quyền bằng `hopluu grant list`; máy chính của đơn vị giao thêm bằng `hopluu grant give`",
                "see `hopluu grant list`; the unit's main node gives more with `hopluu grant give`",
            ),
            Void::OutOfOrder => Both::new(
                "làm đủ các bước trước, rồi nhận lại; xem bằng `hopluu void show`",
                "take the steps before it first, then adopt it; see `hopluu void show`",
            ),
            _ => Both::new(
                "hỏi máy chính của đơn vị hoặc cấp trên",
                "ask the unit's main node, or the superior",
            ),
        },
        CommandError::NotBelow { .. } => Both::new(
            "mời ở máy chính của đơn vị đó hoặc của cấp trên nó",
            "invite at the main node of that unit, or of one above it",
        ),
        CommandError::GrantOutside { .. } => Both::new(
            "giao ở máy chính của đơn vị đó hoặc của cấp trên nó",
            "give them at the main node of that unit, or of one above it",
        ),
        CommandError::TicketHours { .. } => Both::new(
            "đổi --hours; bỏ trống là 168 giờ",
            "change --hours; left out it is 168",
        ),
        CommandError::TimeOutside => Both::new(
            "kiểm tra đồng hồ của máy, hoặc ghi ngày NĂM-THÁNG-NGÀY",
            "look at the machine's clock, or write the day YEAR-MONTH-DAY",
        ),
        CommandError::WrongBefore { .. } => Both::new(
            "--before phải sau ngày được đặt hơn 30 ngày",
            "--before lies more than 30 days after the day that is set",
        ),
        CommandError::BadAddress { .. } => Both::new(
            "ví dụ: --address 10.0.0.5:7710 hoặc --address huyen.example:7710",
            "for example --address 10.0.0.5:7710 or --address district.example:7710",
        ),
        CommandError::MayNotIssue { .. } => Both::new(
            "làm việc này ở máy chính của đơn vị",
            "do this at the unit's main node",
        ),
        CommandError::Bundle(error) => return bundle::hint(error),
        CommandError::People(error) => return people::hint(error),
        CommandError::Backup(_) => Both::new(
            "chọn một tệp chưa có, ở chỗ ghi được",
            "choose a file that is not there yet, in a place that can be written",
        ),
        CommandError::DiskFull => Both::new(
            "giải phóng chỗ trên ổ đĩa rồi làm lại; trong lúc đó vẫn xem được mọi thứ",
            "make room on the disk and repeat; reading goes on meanwhile",
        ),
        CommandError::Store(_) | CommandError::Damaged { .. } => {
            Both::new("kiểm tra bằng `hopluu doctor`", "look with `hopluu doctor`")
        }
        CommandError::TooMuch { .. } => Both::new(
            "chia nhỏ rồi làm lại",
            "split it into smaller pieces and repeat",
        ),
        CommandError::Overloaded => {
            Both::new("chờ vài giây rồi làm lại", "wait some seconds and repeat")
        }
        CommandError::NotSynced { .. } => Both::new(
            "chạy `hopluu run`, chờ đến khi `hopluu status` thấy cấp trên, rồi làm lại",
            "run `hopluu run`, wait until `hopluu status` shows the superior, then repeat",
        ),
        CommandError::NoAddress => Both::new(
            "ghi địa chỉ bằng --address MÁY:CỔNG, hoặc chạy `hopluu run` trước",
            "give one with --address HOST:PORT, or start `hopluu run` first",
        ),
        CommandError::OneMainNode { .. } => Both::new(
            "chọn một ngành bằng --office, hoặc một đơn vị cấp dưới",
            "name an office with --office, or a unit below",
        ),
        CommandError::FormNotNewer { .. } => Both::new(
            "tăng `version` trong tệp biểu mẫu rồi làm lại",
            "raise `version` in the form file and repeat",
        ),
        CommandError::Stopping => Both::new("chờ nút chạy lại", "wait until the node runs again"),
        CommandError::Value { .. } | CommandError::Form(_) | CommandError::Refused { .. } => {
            return None;
        }
    };
    Some(hint)
}

/// Why something counts nowhere.
fn void_vi(why: Void) -> &'static str {
    match why {
        Void::NotEnrolled => "chứng thư của máy không còn giá trị",
        Void::OtherUnit => "báo cáo của đơn vị khác",
        Void::NoGrant => "cơ quan chưa được giao phần này",
        Void::Revoked => "quyền đã bị thu hồi",
        Void::NotSuperior => "chỉ cấp trên tiếp nhận hoặc trả lại báo cáo",
        Void::OutOfOrder => "bước trước nó chưa có",
    }
}

fn undo_bar_vi(why: UndoBar) -> &'static str {
    match why {
        UndoBar::NoSave => "máy này chưa lưu gì trong báo cáo này",
        UndoBar::Overwritten => "những gì máy này lưu lần cuối đã có người ghi số khác lên",
        UndoBar::Settled => {
            "lần lưu cuối của máy này đã chốt mâu thuẫn, một lần lưu không trả lại được nhiều số"
        }
        UndoBar::Step => {
            "lần lưu cuối của máy này là một bước của báo cáo (mở, rút), đã ghi thì giữ"
        }
    }
}

fn undo_hint(why: UndoBar) -> Option<Both> {
    match why {
        UndoBar::NoSave | UndoBar::Step => None,
        UndoBar::Overwritten | UndoBar::Settled => Some(Both::new(
            "xem các số cũ bằng `hopluu report history`, rồi nhập số đúng bằng `hopluu report set`",
            "see the values from before with `hopluu report history`, and enter the right one with \
             `hopluu report set`",
        )),
    }
}

fn known_ones(vi: &str, en: &str, known: &[String]) -> Both {
    let known = known.join(", ");
    Both::new(format!("{vi}: {known}"), format!("{en}: {known}"))
}

/// Each kind of period, and one as somebody would type it.
const PERIOD_EXAMPLES: [(&str, &str); 6] = [
    ("year", "2026"),
    ("half-year", "2026-H1"),
    ("quarter", "2026-Q3"),
    ("month", "2026-M07"),
    ("years", "2016-2020"),
    ("ad-hoc", "x20261018-lu-quet"),
];

/// Kinds of period as somebody would type one.
fn examples(kinds: &[String]) -> Vec<String> {
    let example = |kind: &String| {
        let known = PERIOD_EXAMPLES.iter().find(|(known, _)| known == kind);
        known.map_or_else(|| kind.clone(), |(_, example)| (*example).to_owned())
    };
    kinds.iter().map(example).collect()
}

/// Whether a unit was looked for in the tree of no day in particular.
fn is_any_day(on: &str) -> bool {
    on == Date::MAX.to_string()
}

/// Why a form or a change of the tree does not hold, behind a Vietnamese sentence.
fn refused_vi(detail: &str) -> String {
    const KNOWN: [(&str, &str); 10] = [
        (
            " hands a form of this name down already, this one would count nowhere",
            "đã ban hành biểu mẫu cùng tên, bản này sẽ không được tính ở đâu",
        ),
        (
            " began already, with other facts",
            "đã có rồi, với thông tin khác",
        ),
        (" is before it begins", "trước ngày bắt đầu"),
        (
            " is taken by a unit above alone",
            "chỉ cấp trên của đơn vị mới được làm",
        ),
        (" was answered already", "đã được trả lời rồi"),
        (" gets nothing", "không được giao gì"),
        (" is no private line", "không phải chỉ tiêu riêng"),
        (" is not in this tree", "không có trong cây đơn vị này"),
        (" is a root and stays one", "là gốc của cây và không đổi"),
        (" is not of a higher level", "không ở cấp cao hơn"),
    ];
    let known = KNOWN
        .iter()
        .find_map(|(en, vi)| Some((detail.strip_suffix(en)?, vi)));
    known.map_or_else(
        || format!(" {}", technical(detail)),
        |(what, vi)| format!(": {what} {vi}"),
    )
}

/// What was asked for, in Vietnamese; the engine's own words where it has a new one.
fn asked_vi(what: &str) -> &str {
    match what {
        "edits in one save" => "số thay đổi trong một lần lưu",
        "reports of one unit" => "báo cáo của một đơn vị",
        "the invitation" => "mã mời",
        "an office invites nobody" => "máy của một ngành không mời ai",
        "the tree event" => "thay đổi cây đơn vị",
        "change the unit tree" => "thay đổi cây đơn vị",
        "change units that are not at or below its own" => {
            "thay đổi đơn vị không thuộc đơn vị của máy này"
        }
        "the write" | "the save" => "lần lưu này",
        "the form" => "biểu mẫu",
        "the time" => "ngày giờ",
        "hand down a form" => "ban hành biểu mẫu",
        "the grant" => "quyền này",
        "answer for what is void" => "trả lời những gì không có hiệu lực",
        "the answer" => "câu trả lời này",
        "a public export" => "bảng công bố",
        "publications of one period" => "số lần công bố của một kỳ",
        "writes waiting for the disk" => "số lần lưu đang chờ ổ đĩa",
        other => other,
    }
}
