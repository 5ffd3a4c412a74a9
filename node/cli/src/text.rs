//! Every word that a person reads, Vietnamese and English side by side.

pub(crate) mod attachment;
pub(crate) mod audit;
pub(crate) mod bundle;
mod cause;
pub(crate) mod clock;
pub(crate) mod export;
pub(crate) mod fail;
pub(crate) mod found;
pub(crate) mod help;
mod join;
pub(crate) mod link;
pub(crate) mod people;
pub(crate) mod rights;
pub(crate) mod root;
pub(crate) mod screen;
pub(crate) mod secret;
pub(crate) mod usage;

use hopluu_api::text::Both;
use hopluu_engine::view::{DiskState, PeerRemark, RefusalWhy};
use hopluu_engine::{Ailment, Repaired};
use hopluu_form::Lang;

/// In place of a figure that the asking office may not read: it is neither blank nor missing.
pub(crate) fn withheld(lang: Lang) -> &'static str {
    word(lang, "không thuộc quyền xem", "not yours to read")
}

/// A short word or label in one language.
pub(crate) fn word(lang: Lang, vi: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Vi => vi,
        Lang::En => en,
    }
}

/// A label of a form: Vietnamese where it has no English one.
pub(crate) fn word_of<'a>(vi: &'a str, en: &'a str, lang: Lang) -> &'a str {
    match lang {
        Lang::En if !en.is_empty() => en,
        Lang::Vi | Lang::En => vi,
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $vi:literal, $en:literal;)+) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name(lang: Lang) -> &'static str {
                word(lang, $vi, $en)
            }
        )+
    };
}

words! {
    unit: "đơn vị", "unit";
    form: "biểu mẫu", "form";
    period: "kỳ", "period";
    state: "trạng thái", "state";
    figures: "số liệu", "figures";
    conflicts: "trái nhau", "conflicts";
    reached: "đã tới", "reached";
    here: "ở đây", "here";
    older: "bản cũ", "an older version";
    line: "chỉ tiêu", "line";
    code: "mã", "code";
    printed: "STT", "no.";
    value: "số", "value";
    note: "ghi chú", "note";
    office: "ngành", "office";
    author: "người ghi", "author";
    main_node: "máy chính", "main node";
    at: "lúc", "at";
    change: "lần lưu", "save";
    wrote: "đã ghi", "wrote";
    measure: "đơn vị tính", "measure";
    findings: "Cần xem lại", "To be looked at";
    answered: "có số", "answered";
    still_missing: "còn thiếu", "missing";
    coverage: "báo cáo đã có", "reports in";
    own_parts: "phần riêng của cấp trên đã có", "own parts above in";
    upper_bound: "tối đa", "upper bound";
    counted_twice: "có thể trùng", "may count twice";
    inexact: "không chính xác", "inexact";
    unsettled: "chưa thống nhất", "unsettled";
    document: "tài liệu", "document";
    heads: "phiên bản", "heads";
    digest: "mã kiểm", "digest";
    authors: "người ghi", "authors";
    version: "phiên bản", "version";
    title: "tên", "title";
    lines: "chỉ tiêu", "lines";
    assigned: "giao cho", "assigned to";
    everyone: "tất cả", "everyone";
    level: "cấp", "level";
    path: "thuộc", "path";
    ended: "hết hiệu lực", "ended";
    successors: "kế thừa bởi", "taken over by";
    children: "trực thuộc", "below it";
    node: "máy", "node";
    root: "gốc", "root";
    epoch: "đời dữ liệu", "epoch";
    journal: "nhật ký", "journal";
    documents: "báo cáo", "documents";
    parked: "đang chờ phần thiếu", "parked";
    revoked: "máy này đã bị thu hồi", "this node is revoked";
    warning: "chú ý", "look";
    ending: "chứng thư lẽ ra đã được gia hạn: xem `hopluu doctor`", "the certificate should have been renewed: see `hopluu doctor`";
    disk_word: "ổ đĩa", "disk";
    certificate_ends: "chứng thư hết hạn", "certificate ends";
    listen: "địa chỉ", "listens on";
    calls: "gọi tới", "calls";
    calling: "đang gọi", "calling";
    call_waiting: "không trả lời, chờ gọi lại", "no answer, to be called again";
    call_resting: "dự phòng", "standing by";
    link: "liên kết", "link";
    owed: "còn nợ", "owed";
    heard: "nghe lần cuối", "last heard";
    refused: "từ chối", "refused";
    remark: "lưu ý", "remark";
    linked: "đang nối", "up";
    not_linked: "không nối", "down";
    never: "chưa bao giờ", "never";
    none: "không có", "none";
    cure: "cách chữa", "cure";
    offices: "ngành", "offices";
    periods: "kỳ báo cáo", "periods";
    uncounted: "không cộng vào đâu được", "counted nowhere";
    sections: "mục", "sections";
}

/// What a save did to a report's life, by the word of its state.
pub(crate) fn step_of(lang: Lang, step: &str) -> &str {
    match step {
        "opened" => word(lang, "mở báo cáo", "report opened"),
        "contributed" => word(lang, "ngành báo đã xong phần", "office is done"),
        "consolidated" => word(lang, "tổng hợp", "consolidated"),
        "checked" => word(lang, "soát", "checked"),
        "signed" => word(lang, "ký", "signed"),
        "submitted" => word(lang, "nộp", "submitted"),
        "accepted" => word(lang, "nhận", "accepted"),
        "amended" => word(lang, "sửa đổi", "amended"),
        "returned" => word(lang, "trả lại", "returned"),
        "withdrawn" => word(lang, "rút báo cáo", "report withdrawn"),
        other => other,
    }
}

/// A kind of period, by the word of form files.
pub(crate) fn period_kind(lang: Lang, kind: &str) -> &str {
    match kind {
        "year" => word(lang, "năm", "year"),
        "half-year" => word(lang, "6 tháng", "half-year"),
        "quarter" => word(lang, "quý", "quarter"),
        "month" => word(lang, "tháng", "month"),
        "years" => word(lang, "giai đoạn", "span of years"),
        "ad-hoc" => word(lang, "đột xuất", "ad hoc"),
        other => other,
    }
}

/// Why entries of a peer were refused.
pub(crate) fn refused_why(lang: Lang, why: RefusalWhy) -> &'static str {
    match why {
        RefusalWhy::Signature => word(lang, "niêm phong không đúng", "bad seal"),
        RefusalWhy::Malformed => word(lang, "không đọc được", "not readable"),
        RefusalWhy::Scope => word(lang, "ngoài phạm vi", "out of scope"),
        RefusalWhy::Bound => word(lang, "vượt giới hạn", "over a bound"),
        RefusalWhy::Conflict => word(lang, "trái với dữ liệu ở đây", "contradicts what is here"),
        RefusalWhy::Unsupported => word(lang, "phiên bản mới hơn", "of a newer version"),
        RefusalWhy::Other => word(lang, "lý do khác", "another reason"),
    }
}

/// What is unusual about a peer.
pub(crate) fn peer_remark(lang: Lang, remark: PeerRemark) -> &'static str {
    match remark {
        PeerRemark::PeerRestored => word(lang, "vừa khôi phục từ bản sao lưu", "was restored"),
        PeerRemark::PeerRolledBack => word(lang, "đã mất một phần dữ liệu", "has lost something"),
        PeerRemark::WeRolledBack => word(
            lang,
            "máy này đã mất một phần dữ liệu",
            "this node has lost something",
        ),
        PeerRemark::Comparing => word(lang, "đang so sánh", "comparing"),
    }
}

/// A kind of record, as `watch` names it.
pub(crate) fn record_kind(lang: Lang, kind: &str) -> &str {
    match kind {
        "certificate" => word(lang, "chứng thư", "certificate"),
        "form" => word(lang, "biểu mẫu", "form"),
        "tree" => word(lang, "cây đơn vị", "unit tree"),
        "tree event" => word(lang, "thay đổi cây đơn vị", "change of the unit tree"),
        "receipt" => word(lang, "giấy nhận", "receipt"),
        other => other,
    }
}

/// How much writing there is room for.
pub(crate) fn disk(lang: Lang, state: DiskState) -> &'static str {
    match state {
        DiskState::Good => word(lang, "tốt", "good"),
        DiskState::Full => word(lang, "ĐẦY, chỉ xem được", "FULL, reading only"),
        DiskState::Failing => word(lang, "HỎNG, chỉ xem được", "FAILING, reading only"),
    }
}

/// One value in place of others.
pub(crate) fn settled(key: &str, value: &str, instead_of: &str) -> Both {
    Both::new(
        format!("mâu thuẫn đã chốt: {key}: chọn {value} thay cho {instead_of}"),
        format!("conflict settled: {key}: {value} in place of {instead_of}"),
    )
}

/// A figure that a report was not begun with.
pub(crate) fn left_out(key: &str, values: &str) -> Both {
    Both::new(
        format!("không lấy từ kỳ trước vì còn mâu thuẫn: {key}: {values}"),
        format!("not taken from the last period, unsettled there: {key}: {values}"),
    )
}

/// Letters that came into a text and went out of it.
pub(crate) fn letters(inserted: u32, deleted: u32) -> Both {
    Both::new(
        format!("thêm {inserted}, bỏ {deleted} ký tự"),
        format!("{inserted} letters in, {deleted} out"),
    )
}

/// What a second report of a period is good for.
pub(crate) fn further(lang: Lang) -> &'static str {
    word(
        lang,
        "báo cáo thêm của cùng kỳ: không cộng vào số tổng hợp",
        "a further report of the period: it counts in no total",
    )
}

/// Where a report stands in its life.
pub(crate) fn state_of(lang: Lang, state: &str) -> &str {
    match state {
        "opened" => word(lang, "đang làm", "opened"),
        "contributed" => word(lang, "ngành đã xong phần", "contributed"),
        "consolidated" => word(lang, "đã tổng hợp", "consolidated"),
        "checked" => word(lang, "đã soát", "checked"),
        "signed" => word(lang, "đã ký", "signed"),
        "submitted" => word(lang, "đã nộp", "submitted"),
        "accepted" => word(lang, "đã nhận", "accepted"),
        "amended" => word(lang, "đã sửa đổi", "amended"),
        "returned" => word(lang, "bị trả lại", "returned"),
        "withdrawn" => word(lang, "đã rút", "withdrawn"),
        other => other,
    }
}

/// After a save.
pub(crate) fn saved(is_new: bool) -> Both {
    if is_new {
        Both::new("đã lưu", "saved")
    } else {
        Both::new("không có gì mới để lưu", "nothing new to save")
    }
}

/// After an import.
pub(crate) fn imported(saved: u64, refused: u64) -> Both {
    Both::new(
        format!("đã nhận {saved} dòng, từ chối {refused} dòng"),
        format!("{saved} lines taken, {refused} refused"),
    )
}

/// A line of an import that was refused.
pub(crate) fn import_line(line: u64, lang: Lang, lines: &str) -> String {
    match lang {
        Lang::Vi => format!("dòng {line}: {lines}"),
        Lang::En => format!("line {line}: {lines}"),
    }
}

/// After an export.
pub(crate) fn exported(reports: u64, unsettled: u64) -> Both {
    Both::new(
        format!("đã xuất {reports} báo cáo, {unsettled} số liệu còn trái nhau"),
        format!("{reports} reports written, {unsettled} figures unsettled"),
    )
}

/// Reports that an export leaves out.
pub(crate) fn not_exported(withdrawn: u64) -> Both {
    Both::new(
        format!("{withdrawn} báo cáo đã rút không được xuất"),
        format!("{withdrawn} reports are withdrawn and were left out"),
    )
}

/// While something takes long.
pub(crate) fn working(vi: &str, en: &str) -> Both {
    Both::new(format!("đang {vi} …"), format!("{en} …"))
}

/// A total that comes out the same.
pub(crate) fn recomputed(documents: u32, is_same: bool) -> Both {
    if is_same {
        Both::new(
            format!("tính lại từ {documents} báo cáo: khớp"),
            format!("recomputed from {documents} documents: the same"),
        )
    } else {
        Both::new(
            format!("tính lại từ {documents} báo cáo: KHÔNG khớp"),
            format!("recomputed from {documents} documents: NOT the same"),
        )
    }
}

/// Forms of `form check`.
pub(crate) fn form_is_sound(file: &str, id: &str, lines: usize) -> Both {
    Both::new(
        format!("{file}: biểu mẫu {id} đúng, {lines} chỉ tiêu có số"),
        format!("{file}: form {id} is sound, {lines} value lines"),
    )
}

/// After a form was handed down.
pub(crate) fn form_added(form: &str, version: &str) -> Both {
    Both::new(
        format!("đã ban hành biểu mẫu {form} {version}"),
        format!("form {form} {version} handed down"),
    )
}

/// After tree events were handed down.
pub(crate) fn units_added(events: usize) -> Both {
    Both::new(
        format!("đã ban hành {events} thay đổi cây đơn vị"),
        format!("{events} changes of the tree handed down"),
    )
}

/// After a backup.
pub(crate) fn backed_up(file: &str, bytes: u64) -> Both {
    let kib = bytes.div_ceil(1024);
    Both::new(
        format!("đã sao lưu vào {file}, {kib} KiB"),
        format!("backed up to {file}, {kib} KiB"),
    )
}

/// After a restore.
pub(crate) fn restored(documents: u64, kept: Option<&str>) -> Both {
    let (vi, en) = match kept {
        Some(kept) => (
            format!("; dữ liệu trước đó giữ ở {kept}"),
            format!("; what was there before is kept at {kept}"),
        ),
        None => (String::new(), String::new()),
    };
    Both::new(
        format!(
            "đã khôi phục {documents} báo cáo{vi}; phần mới hơn bản sao lưu, máy nào đã nhận sẽ gửi trả"
        ),
        format!(
            "{documents} documents restored{en}; what is newer than the backup comes back from the nodes that have it"
        ),
    )
}

/// After `init` and `join`.
pub(crate) fn set_up(unit: &str, dir: &str) -> Both {
    Both::new(
        format!("máy của đơn vị {unit} đã sẵn sàng trong {dir}; chạy bằng `hopluu run`"),
        format!("the node of {unit} is ready in {dir}; start it with `hopluu run`"),
    )
}

/// After a change of keys.
pub(crate) fn rekeyed(node: &str, before: &str) -> Both {
    Both::new(
        format!(
            "khóa mới của máy này: {node}; chạy `hopluu run`, và khi không còn nợ gì thì ở cấp trên \
             `hopluu revoke node {before} --reason replaced`"
        ),
        format!(
            "this node's new key: {node}; start it with `hopluu run`, and once it owes nothing, at the superior: \
             `hopluu revoke node {before} --reason replaced`"
        ),
    )
}

/// A key that a cut change of keys has left, and that is not used.
pub(crate) fn given_up(node: &str) -> Both {
    Both::new(
        format!("khóa {node} của lần đổi bị ngắt trước đó bị bỏ: thu hồi cả khóa này ở cấp trên"),
        format!(
            "key {node}, of a change that was cut before, is given up: revoke it at the superior as well"
        ),
    )
}

/// The one line that a node prints when it is ready.
pub(crate) fn ready(unit: &str, listen: &str) -> Both {
    Both::new(
        format!("sẵn sàng: {unit}, địa chỉ {listen}"),
        format!("ready: {unit}, listening on {listen}"),
    )
}

/// When a node has stopped.
pub(crate) fn stopped(is_closed: bool) -> Both {
    if is_closed {
        Both::new(
            "đã dừng, mọi thứ đã nằm trên đĩa",
            "stopped, everything is on disk",
        )
    } else {
        Both::new(
            "đã dừng, nhưng cơ sở dữ liệu không đóng được trọn vẹn: những gì đã báo là đã lưu vẫn còn, \
             hãy kiểm tra bằng `hopluu doctor`",
            "stopped, but the database did not close well: whatever was confirmed is kept, look with \
             `hopluu doctor`",
        )
    }
}

/// Below a ticket.
pub(crate) fn ticket_ends(at: &str) -> Both {
    Both::new(
        format!("mã mời dùng một lần, đến {at}; ở máy mới: hopluu join MÃ"),
        format!("good once, until {at}; at the new machine: hopluu join TICKET"),
    )
}

/// What the doctor found, and what to do about it.
#[expect(
    clippy::too_many_lines,
    reason = "one table, exhaustive over the ailments"
)]
pub(crate) fn ailment(ailment: Ailment) -> (Both, Both) {
    match ailment {
        Ailment::Home => (
            Both::new(
                "thư mục của nút có chỗ không ổn",
                "the node's folder is not as it should be",
            ),
            Both::new(
                "kiểm tra quyền của thư mục và các tệp trong đó",
                "look at the rights of the folder and of its files",
            ),
        ),
        Ailment::Database => (
            Both::new(
                "không mở được cơ sở dữ liệu",
                "the database cannot be opened",
            ),
            Both::new(
                "chạy `hopluu doctor --repair`; nếu không cứu được, `hopluu restore` với một bản sao lưu",
                "run `hopluu doctor --repair`; if nothing can be saved, `hopluu restore` a backup",
            ),
        ),
        Ailment::NoDatabase => (
            Both::new("không có cơ sở dữ liệu", "there is no database"),
            Both::new(
                "`hopluu restore` với một bản sao lưu, hoặc xin mã mời mới và `join` vào thư mục khác",
                "`hopluu restore` a backup, or ask for a new ticket and join in another folder",
            ),
        ),
        Ailment::Newer => (
            Both::new(
                "cơ sở dữ liệu do chương trình phiên bản mới hơn ghi",
                "a newer program has written the database",
            ),
            Both::new(
                "cài chương trình phiên bản đó, hoặc mới hơn; đừng sửa chữa",
                "install that program or a newer one; do not repair it",
            ),
        ),
        Ailment::Foreign => (
            Both::new(
                "cơ sở dữ liệu là của chương trình khác",
                "the database is another program's",
            ),
            Both::new(
                "kiểm tra lại --home; nếu đúng thư mục, `hopluu restore` với một bản sao lưu",
                "look at --home again; if it is the right folder, `hopluu restore` a backup",
            ),
        ),
        Ailment::Damage => (
            Both::new("cơ sở dữ liệu bị hỏng", "the database is damaged"),
            Both::new(
                "chạy `hopluu doctor --repair`; phần mất đi, máy nào đã nhận sẽ gửi trả",
                "run `hopluu doctor --repair`; what is lost comes back from the nodes that have it",
            ),
        ),
        Ailment::Facts => (
            Both::new(
                "số liệu rút ra không khớp báo cáo, số tổng hợp sẽ sai",
                "facts do not match their document, so totals are wrong",
            ),
            Both::new(
                "chạy `hopluu doctor --repair`",
                "run `hopluu doctor --repair`",
            ),
        ),
        Ailment::Identity => (
            Both::new(
                "không xác định được đây là máy nào",
                "who this node is does not hold",
            ),
            Both::new(
                "khôi phục bản sao lưu của chính máy này, hoặc xin mã mời mới",
                "restore a backup of this very node, or ask for a new ticket",
            ),
        ),
        Ailment::Expiry => (
            Both::new("chứng thư sắp hết hạn", "the certificate ends soon"),
            Both::new(
                "nối mạng với máy đã mời máy này vào: nó tự gia hạn; ở máy gốc: lập gốc mới",
                "link to the node that let this one in, which renews it by itself; at a root: make a new root",
            ),
        ),
        Ailment::Expired => (
            Both::new("chứng thư đã hết hạn", "the certificate has ended"),
            Both::new(
                "xin mã mời mới và vào mạng trong một thư mục khác: những gì đã gửi sẽ về từ cấp trên",
                "ask for a new ticket and join in another folder: what was sent comes back from the superior",
            ),
        ),
        Ailment::Readable => (
            Both::new(
                "nút đã mã hóa, nhưng có tệp ai lấy được ổ đĩa cũng đọc được",
                "the node is encrypted, but whoever has the disk can read one of its files",
            ),
            Both::new(
                "chạy `hopluu encrypt`; bản cũ của cơ sở dữ liệu thì chép đi hoặc xóa",
                "run `hopluu encrypt`; move old copies of the database away or remove them",
            ),
        ),
        Ailment::Parcels => (
            Both::new(
                "trong các gói gửi nhờ có tệp hỏng hoặc không phải gói",
                "among the parcels carried for others is something broken, or something else",
            ),
            Both::new(
                "xóa thư mục `parcels` trong thư mục của nút: không mất báo cáo nào",
                "remove the folder `parcels` in the node's folder: no report is lost by it",
            ),
        ),
        Ailment::Clock => (
            Both::new("đồng hồ của máy chạy sai", "the clock is wrong"),
            Both::new(
                "chỉnh lại ngày giờ của máy",
                "set the machine's date and time",
            ),
        ),
    }
}

/// A home without findings.
pub(crate) fn healthy() -> Both {
    Both::new("không thấy gì bất thường", "nothing unusual was found")
}

/// After a repair.
pub(crate) fn repaired(done: &Repaired) -> Both {
    let kept = done.kept.display();
    Both::new(
        format!(
            "đã cứu {} báo cáo nguyên vẹn, {} báo cáo thiếu một phần, {} lần sửa; dữ liệu hỏng giữ ở {kept}",
            done.documents, done.cut, done.changes
        ),
        format!(
            "{} documents saved whole, {} cut short, {} changes; the damaged database is kept at {kept}",
            done.documents, done.cut, done.changes
        ),
    )
}

/// A report without conflicts.
pub(crate) fn no_conflicts() -> Both {
    Both::new("không có số liệu trái nhau", "no conflicts")
}
