//! What the story tells and claims.

use std::collections::BTreeSet;

use hopluu_api::text::Both;
use hopluu_form::Lang;
use hopluu_model::OfficeId;

use crate::show::Offices;

fn both(vi: String, en: String) -> Both {
    Both { vi, en }
}

macro_rules! fixed {
    ($($name:ident: $vi:literal, $en:literal;)+) => {
        $(pub(in super::super) fn $name() -> Both {
            Both::new($vi, $en)
        })+
    };
}

macro_rules! steps {
    ($($name:ident: $vi:literal, $en:literal; $shows_vi:literal, $shows_en:literal;)+) => {
        $(pub(in super::super) fn $name() -> (Both, Both) {
            (Both::new($vi, $en), Both::new($shows_vi, $shows_en))
        })+
    };
}

steps! {
    enrol: "Lập mạng", "The mesh comes to be";
        "Tỉnh tạo gốc và giao biểu mẫu cho huyện 465; mỗi nơi vào mạng bằng mã mời dùng một lần.",
        "The province makes the root and assigns the form to district 465; everybody joins by a one-time ticket.";
    enter: "Các xã nhập số liệu", "Communes enter their figures";
        "Mỗi lần một báo cáo nằm trên đĩa ở xã, tổng ở huyện và tỉnh tự tăng.",
        "As soon as a report is on disk in a commune, the totals of district and province rise by themselves.";
    secure: "Ổ đĩa mã hóa và người dùng có tài khoản", "An encrypted disk, and people with accounts";
        "Một xã mã hóa thư mục của mình, ở một xã khác ai làm việc cũng phải đăng nhập; báo cáo đi như mọi nơi.",
        "One commune encrypts its folder, at another whoever works logs in; their reports go up as everybody's.";
    cut: "Bốn xã mất mạng", "Four communes are cut off";
        "Họ vẫn nhập và lưu được; có mạng lại là báo cáo tự đi lên.",
        "They go on entering and saving; when the link is back, the reports go up by themselves.";
    offices: "Ba ngành viết một báo cáo, không có mạng", "Three offices write one report apart";
        "Công an, y tế, văn hóa thị trấn Lao Bảo mỗi nơi một máy; hai ngành ghi khác nhau một số.",
        "Police, health and culture of Lao Bảo each have a machine; two of them set one figure differently.";
    kill: "Một nút bị giết giữa lúc ghi (kill -9)", "A node is killed while it writes (kill -9)";
        "Những gì đã báo \"đã lưu\" phải còn nguyên sau khi khởi động lại.",
        "Whatever was confirmed as saved must be there after the restart.";
    silence: "Một xã im lặng", "One commune is silent";
        "Thiếu không phải là 0: mọi tổng đều ghi rõ 20/21 và tên xã còn thiếu.",
        "Missing is not zero: every total says 20 of 21 and names who is missing.";
    window: "Cửa sổ mạng cuối cùng", "The last window";
        "Xã cuối cùng viết báo cáo khi không có mạng, rồi có mạng trong chốc lát.",
        "The last commune writes its report without a link, then the link opens.";
    compare: "So với phụ lục đã công bố", "Against the published annex";
        "Chỉ khi đủ 21/21 mới so từng dòng; lỗi của chính phụ lục được nêu ra, không che đi.",
        "Only now, with 21 of 21, line by line; the annex's own errors are named, not hidden.";
    explain: "Tổng từ đâu ra", "Where a total comes from";
        "Từ một số của huyện và tỉnh lần về 21 xã, phiên bản tài liệu và máy đã ghi.",
        "From one figure of district and province back to 21 communes, document heads and authors.";
}

// --------------------------------------------------------------------------------------- enrol

pub(in super::super) fn everybody_runs(processes: usize, nodes: usize) -> Both {
    both(
        format!(
            "{processes} tiến trình của cùng một chương trình đang chạy, {nodes} khóa khác nhau"
        ),
        format!("{processes} processes of the one program run, with {nodes} different keys"),
    )
}

fixed! {
    links_up: "huyện nối với tỉnh và đủ 21 xã", "the district is linked with the province and all 21 communes";
    form_everywhere: "biểu mẫu từ tỉnh đã tới mọi nút", "the province's form has reached every node";
    used_ticket: "mã mời đã dùng thì không dùng lại được", "a used ticket is good for nothing";
    nobody_reported: "chưa ai báo cáo: 0/21 ở huyện và ở tỉnh, không có số 0 nào thay cho ô trống",
        "nobody has reported: 0 of 21 at district and province, and no zero stands for a blank";
}

// --------------------------------------------------------------------------------------- totals

pub(in super::super) fn coverage(reported: usize) -> Both {
    both(
        format!("{reported}/21 ở huyện và ở tỉnh"),
        format!("{reported} of 21 at district and province"),
    )
}

pub(in super::super) fn names_missing(names: &[&str]) -> Both {
    let list = match names {
        [] => return Both::new("không thiếu xã nào", "nobody is missing"),
        many if many.len() > 3 => many.len().to_string(),
        few => few.join(", "),
    };
    both(
        format!("cả hai tổng nêu đúng tên nơi còn thiếu: {list}"),
        format!("both totals name exactly who is missing: {list}"),
    )
}

pub(in super::super) fn sums(reported: usize, lines: usize) -> Both {
    both(
        format!("{lines} dòng số bằng đúng tổng của {reported} báo cáo và phần của huyện"),
        format!(
            "{lines} lines are exactly the sum of {reported} reports and the district's own part"
        ),
    )
}

pub(in super::super) fn receipts(name: &str) -> Both {
    both(
        format!("{name} thấy báo cáo của mình đã tới huyện và tỉnh (biên nhận có chữ ký)"),
        format!("{name} sees its report at the district and the province (signed receipts)"),
    )
}

// --------------------------------------------------------------------------------------- secure

fixed! {
    disk_says_all: "cũng cách tìm ấy thì đọc được ổ đĩa không mã hóa", "the same search reads a disk that is not encrypted";
    login_needed: "không có phiên thì nút không trả lời (M-1701)", "without a session the node answers nobody (M-1701)";
}

pub(in super::super) fn disk_says_nothing(name: &str) -> Both {
    both(
        format!("{name}: không tệp nào đọc được, báo cáo vẫn nằm trong các tổng"),
        format!("{name}: no file can be read, and its report is in the totals"),
    )
}

pub(in super::super) fn names_account(name: &str, account: &str) -> Both {
    both(
        format!("{name}: ở huyện, mỗi lần lưu đều ghi tài khoản `{account}`"),
        format!("{name}: at the district every save names the account `{account}`"),
    )
}

// --------------------------------------------------------------------------------------- cut

pub(in super::super) fn saved_without_link(names: &[&str]) -> Both {
    let names = names.join(", ");
    both(
        format!("không có mạng vẫn lưu đủ: {names}"),
        format!("saved in full without a link: {names}"),
    )
}

pub(in super::super) fn others_go_on(name: &str) -> Both {
    both(
        format!("trong lúc đó {name} vẫn gửi được, và huyện chưa có gì của bốn xã kia"),
        format!("meanwhile {name} still gets through, and the district has nothing of the four"),
    )
}

fixed! {
    links_back: "  → bốn xã có mạng lại", "  → the four communes have their link again";
}

// --------------------------------------------------------------------------------------- offices

fixed! {
    apart: "mỗi ngành chỉ thấy phần của mình khi chưa có mạng", "each office sees only its own part while it has no link";
    merged: "sau khi nối lại, báo cáo có phần của cả ba ngành và của thị trấn", "linked again, the report has the parts of all three offices and of the township";
    texts_merged: "ba đoạn văn của ba ngành đều tới huyện", "the three offices' texts are at the district";
    settled: "thị trấn đã chọn; tổng ở huyện và tỉnh hết khoảng, các ngành đều thấy",
        "the township has settled it; the totals have one value again, and every office sees it";
    conflict_lists: "`report conflicts` liệt kê số này (mã thoát 4)", "`report conflicts` lists the figure (exit code 4)";
}

pub(in super::super) fn conflict(
    code: &str,
    values: &BTreeSet<(String, OfficeId)>,
    offices: &Offices,
) -> Both {
    let values = |lang| {
        let values = values
            .iter()
            .map(|(value, office)| format!("{value} ({})", offices.name(office, lang)));
        values.collect::<Vec<_>>().join("; ")
    };
    both(
        format!(
            "{code}: cả hai số đều còn, kèm ngành đã ghi: {}",
            values(Lang::Vi)
        ),
        format!(
            "{code}: both values stay, each with its office: {}",
            values(Lang::En)
        ),
    )
}

pub(in super::super) fn range(code: &str, low: u64, high: u64) -> Both {
    both(
        format!("{code}: tổng ở huyện và tỉnh ghi khoảng {low}–{high}, một nơi chưa thống nhất"),
        format!("{code}: the totals of district and province say {low}–{high}, one unit unsettled"),
    )
}

// --------------------------------------------------------------------------------------- kill

pub(in super::super) fn killed(name: &str, pid: u32, confirmed: usize, sent: usize) -> Both {
    both(
        format!(
            "{name}: tiến trình {pid} bị SIGKILL giữa chừng, {confirmed} trong {sent} lần lưu đã được báo"
        ),
        format!(
            "{name}: process {pid} was ended by SIGKILL on the way, {confirmed} of {sent} saves confirmed"
        ),
    )
}

pub(in super::super) fn nothing_lost(confirmed: usize, there: usize) -> Both {
    both(
        format!("khởi động lại: còn đủ {confirmed} lần lưu đã báo (trong nhật ký có {there})"),
        format!(
            "after the restart all {confirmed} confirmed saves are there ({there} in its history)"
        ),
    )
}

fixed! {
    killed_goes_on: "nút nhập nốt báo cáo, huyện có đúng phiên bản ấy", "the node completes its report, and the district has exactly its heads";
}

// --------------------------------------------------------------------------------------- silence

pub(in super::super) fn missing_in_lines(name: &str, lines: usize) -> Both {
    both(
        format!("cả {lines} dòng cộng từ xã đều ghi thiếu đúng một nơi ({name}) ở huyện và tỉnh"),
        format!(
            "all {lines} lines summed over communes count exactly one missing ({name}), district and province"
        ),
    )
}

pub(in super::super) fn arrived(name: &str, millis: u128) -> Both {
    both(
        format!("{name}: {millis} ms từ lúc mở mạng đến khi tổng của tỉnh đủ 21/21"),
        format!("{name}: {millis} ms from opening the link to the province's total of 21 of 21"),
    )
}

fixed! {
    complete: "đủ 21/21, không còn thiếu ai", "21 of 21, nobody is missing";
    same_bytes: "tổng của huyện tính ở huyện và tính ở tỉnh giống nhau từng byte",
        "the district's total has the same bytes at the district and at the province";
    recomputed: "tính lại từ mọi tài liệu ra đúng tổng đang giữ", "recomputed from every document, the total is the one that is kept";
}

// --------------------------------------------------------------------------------------- annex

pub(in super::super) fn matches(equal: usize, lines: usize) -> Both {
    both(
        format!("{equal}/{lines} dòng của huyện khớp với phụ lục"),
        format!("{equal} of {lines} lines of the district equal the annex"),
    )
}

pub(in super::super) fn named_by_rule(message: &Both) -> Both {
    both(
        format!("quy tắc nêu lỗi của phụ lục: {}", message.vi),
        format!("a rule names the annex's error: {}", message.en),
    )
}

pub(in super::super) fn heading_named(message: &Both) -> Both {
    both(
        format!(
            "số ghi ở tiêu đề không được cộng, nhưng được nêu ra: {}",
            message.vi
        ),
        format!(
            "what a heading holds is not added up, but named: {}",
            message.en
        ),
    )
}

pub(in super::super) fn blanks(codes: &[String]) -> Both {
    let list = codes.join(", ");
    both(
        format!("ô trống vẫn trống: {list}"),
        format!("blanks stay blank: {list}"),
    )
}

/// The heads of the comparison.
pub(in super::super) const COMPARISON: [(&str, &str); 4] = [
    ("dòng", "line"),
    ("phụ lục", "annex"),
    ("huyện", "district"),
    ("", ""),
];

pub(in super::super) fn verdict(is_equal: bool) -> Both {
    if is_equal {
        Both::new("khớp", "equal")
    } else {
        Both::new("KHÁC", "DIFFERENT")
    }
}

fixed! {
    heading: "tiêu đề", "heading";
}

// --------------------------------------------------------------------------------------- explain

pub(in super::super) fn explained(place: &str, code: &str, sum: u64) -> Both {
    both(
        format!(
            "tại {place}, {code} = {sum} dẫn về đủ 21 xã, mỗi xã có phiên bản tài liệu và người ghi"
        ),
        format!("at {place}, {code} = {sum} leads to all 21 communes, each with heads and authors"),
    )
}

fixed! {
    offices_are_authors: "ở Lao Bảo có bốn tác giả: thị trấn, công an, y tế, văn hóa", "Lao Bảo has four authors: the township, police, health, culture";
}
