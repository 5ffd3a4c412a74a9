//! Words about audits.

use std::path::Path;

use hopluu_api::text::Both;
use hopluu_engine::DossierFlaw;
use hopluu_form::Lang;
use hopluu_model::{Digest, ErrorChain};

use super::word;
use crate::failure::{Exit, Failure};

/// Heads of tables, and what stands in them.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) what: &'static str,
    pub(crate) value: &'static str,
    pub(crate) state: &'static str,
    pub(crate) by: &'static str,
    pub(crate) right: &'static str,
    pub(crate) known: &'static str,
    pub(crate) void: &'static str,
    pub(crate) stands: &'static str,
    pub(crate) superseded: &'static str,
    pub(crate) no_right: &'static str,
    pub(crate) grant: &'static str,
    pub(crate) certificate: &'static str,
    pub(crate) root: &'static str,
    pub(crate) received: &'static str,
    pub(crate) brought: &'static str,
    pub(crate) written_here: &'static str,
    pub(crate) day: &'static str,
    pub(crate) who: &'static str,
    pub(crate) report: &'static str,
    pub(crate) first: &'static str,
    pub(crate) last: &'static str,
    pub(crate) count: &'static str,
    pub(crate) several: &'static str,
    pub(crate) of: &'static str,
    pub(crate) why: &'static str,
}

const VI: Words = Words {
    what: "nội dung",
    value: "giá trị",
    state: "tình trạng",
    by: "người ghi, lúc (theo máy của họ)",
    right: "căn cứ quyền",
    known: "bằng chứng",
    void: "không tính",
    stands: "đang có hiệu lực",
    superseded: "đã bị ghi thay bởi",
    no_right: "không có quyền",
    grant: "giao quyền",
    certificate: "chứng thư máy chính, cấp bởi",
    root: "chứng thư gốc",
    received: "đã tới",
    brought: "do máy chuyển tới:",
    written_here: "ghi tại máy này",
    day: "ngày",
    who: "ai",
    report: "báo cáo",
    first: "lần đầu",
    last: "lần cuối",
    count: "số lần",
    several: "nhiều đơn vị",
    of: "của",
    why: "lý do",
};

const EN: Words = Words {
    what: "what",
    value: "value",
    state: "state",
    by: "by, at (their clock)",
    right: "on whose right",
    known: "known by",
    void: "void",
    stands: "stands",
    superseded: "written over by",
    no_right: "none",
    grant: "grant",
    certificate: "certificate of a main node, by",
    root: "certificate of the root",
    received: "it was at",
    brought: "brought by",
    written_here: "written here",
    day: "day",
    who: "who",
    report: "report",
    first: "first",
    last: "last",
    count: "times",
    several: "several units",
    of: "of",
    why: "why",
};

impl Words {
    pub(crate) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Vi => &VI,
            Lang::En => &EN,
        }
    }
}

/// What kind of thing was written.
pub(crate) fn kind(lang: Lang, kind: &str) -> &'static str {
    match kind {
        "figure" => word(lang, "số liệu", "figure"),
        "note" => word(lang, "ghi chú", "note"),
        "text" => word(lang, "lời văn", "text"),
        "file" => word(lang, "tệp", "file"),
        _ => word(lang, "bước", "step"),
    }
}

/// What somebody asked for.
pub(crate) fn how(lang: Lang, how: &str) -> &'static str {
    match how {
        "report" => word(lang, "xem báo cáo", "report"),
        "history" => word(lang, "xem lịch sử", "history"),
        "total" => word(lang, "xem số tổng hợp", "total"),
        "export" => word(lang, "xuất báo cáo", "export"),
        "dossier" => word(lang, "xuất hồ sơ kiểm tra", "dossier"),
        "void" => word(lang, "xem phần không tính", "void"),
        "audit" => word(lang, "kiểm tra", "audit"),
        _ => word(lang, "khác", "other"),
    }
}

/// What was refused.
pub(crate) fn refused_kind(lang: Lang, kind: &str) -> &'static str {
    match kind {
        "entry" => word(lang, "nội dung gửi tới", "entry"),
        "link" => word(lang, "liên kết", "link"),
        "chain" => word(lang, "chứng thư", "certificate chain"),
        "join" => word(lang, "mã mời", "ticket"),
        "parcel" => word(lang, "gói nhờ chuyển", "parcel"),
        _ => word(lang, "khác", "other"),
    }
}

/// Why something was refused; what has no words of its own is a code of the protocol.
pub(crate) fn refused_why(lang: Lang, why: &str) -> String {
    let words = match why {
        "signature" => word(lang, "chữ ký không đúng", "the signature does not hold"),
        "malformed" => word(lang, "không đọc được", "it cannot be read"),
        "scope" => word(
            lang,
            "không được nói về đơn vị đó",
            "not a unit it may speak of",
        ),
        "bound" => word(lang, "vượt giới hạn", "over a bound"),
        "conflict" => word(
            lang,
            "trái với những gì đã có",
            "it contradicts what is here",
        ),
        "unsupported" => word(lang, "loại chưa biết", "of an unknown kind"),
        "revoked" => word(lang, "đã bị thu hồi", "revoked"),
        "other-node" => word(
            lang,
            "không phải máy cần gọi",
            "another node than was called",
        ),
        "not-enrolled" => word(lang, "không có chứng thư hợp lệ", "not enrolled"),
        "foreign-root" => word(lang, "thuộc gốc khác", "of another root"),
        "expired" => word(lang, "hết hạn", "expired"),
        "used" => word(lang, "đã dùng", "used"),
        "unknown-ticket" => word(lang, "mã mời lạ", "an unknown ticket"),
        "wrong-proof" => word(lang, "không chứng minh được", "nothing proves it"),
        "not-allowed" => word(lang, "không được phép", "not allowed"),
        "damaged" => word(lang, "hỏng", "damaged"),
        other => return other.to_owned(),
    };
    words.to_owned()
}

pub(crate) fn nothing_written() -> Both {
    Both::new("chưa ai ghi gì", "nobody has written anything")
}

pub(crate) fn nothing_read() -> Both {
    Both::new(
        "chưa ai xem chỉ tiêu riêng tư",
        "nobody was shown a privacy-sensitive line",
    )
}

pub(crate) fn nothing_refused() -> Both {
    Both::new("chưa từ chối gì", "nothing was refused")
}

pub(crate) fn exported(path: &Path, bytes: usize) -> Both {
    let path = path.display();
    Both::new(
        format!("đã ghi hồ sơ kiểm tra {bytes} byte vào {path}; kiểm bằng `hopluu verify`"),
        format!("{bytes} bytes written to {path}; verify them with `hopluu verify`"),
    )
}

/// All of a file holds.
pub(crate) fn holds(root: &Digest, by: &str, at: &str, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("hồ sơ đúng, theo gốc {root}\nlập bởi {by}, {at}\n"),
        Lang::En => format!("all of it holds, by the root {root}\nexported by {by}, {at}\n"),
    }
}

pub(crate) fn compare_root(lang: Lang) -> &'static str {
    word(
        lang,
        "chưa so gốc: hãy đối chiếu mã gốc trên với mã được công bố, hoặc chạy lại với --root",
        "the root was not compared: hold it against the published one, or repeat with --root",
    )
}

/// A superior has said that there is more.
pub(crate) fn more(unit: &str, at: &str, lang: Lang) -> String {
    match lang {
        Lang::Vi => format!("hồ sơ thiếu: {unit} đã xác nhận có thêm sửa đổi, {at}"),
        Lang::En => format!("something is missing: {unit} has said that it holds more, {at}"),
    }
}

/// There is a file where one was to be written.
pub(crate) fn exists(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} đã có rồi, không ghi đè"),
        format!("{path} is there already and is not written over"),
    );
    let hint = Both::new("chọn tên khác", "choose another name");
    Failure::new(Exit::Usage, "M-2050", message, Some(hint))
}

/// The node's answer is none.
pub(crate) fn not_understood() -> Failure {
    let message = Both::new(
        "không đọc được trả lời của nút",
        "the answer of the node is not understood",
    );
    Failure::new(Exit::Failed, "M-2051", message, None)
}

/// What was typed is no root.
pub(crate) fn no_root(typed: &str) -> Failure {
    let message = Both::new(
        format!("`{typed}` không phải mã gốc, cũng không phải tệp chứng thư"),
        format!("`{typed}` is neither a fingerprint nor a file with a certificate"),
    );
    let hint = Both::new(
        "mã gốc có 64 chữ số hệ 16; `hopluu --json status` ở máy bất kỳ in ra",
        "a fingerprint has 64 hexadecimal digits; `hopluu --json status` prints it on any node",
    );
    Failure::new(Exit::Usage, "M-2052", message, Some(hint))
}

/// Something in a file does not hold.
pub(crate) fn flaw(path: &Path, flaw: &DossierFlaw) -> Failure {
    let (path, why) = (path.display(), ErrorChain(flaw).to_string());
    let message = Both::new(
        format!("{path} không đúng: {} ({why})", flaw_vi(flaw)),
        format!("{path} does not hold: {why}"),
    );
    let hint = Both::new(
        "không dùng hồ sơ này; xin bản khác từ nơi đã lập",
        "do not rely on it; ask whoever exported it for another",
    );
    Failure::new(Exit::Failed, "M-2053", message, Some(hint))
}

fn flaw_vi(flaw: &DossierFlaw) -> String {
    match flaw {
        DossierFlaw::File(_) => "tệp hỏng, bị sửa hoặc không phải hồ sơ".to_owned(),
        DossierFlaw::OtherRoot { .. } => "hồ sơ thuộc gốc khác".to_owned(),
        DossierFlaw::Records(_) => "chứng thư hoặc quyết định trong hồ sơ không đúng".to_owned(),
        DossierFlaw::Exporter(_) => "máy lập hồ sơ không có chứng thư hợp lệ".to_owned(),
        DossierFlaw::Key(_) => "không rõ hồ sơ nói về báo cáo nào".to_owned(),
        DossierFlaw::NoForm { form, .. } => format!("hồ sơ không có biểu mẫu {form}"),
        DossierFlaw::Genesis(_) | DossierFlaw::Derived(_) => {
            "không dựng được phần đầu của báo cáo".to_owned()
        }
        DossierFlaw::TooMuch => "quá nhiều sửa đổi".to_owned(),
        DossierFlaw::Packet { at, .. } => format!("không đọc được phần sửa đổi thứ {at}"),
        DossierFlaw::Twice(change)
        | DossierFlaw::Unsealed(change)
        | DossierFlaw::Seal(change)
        | DossierFlaw::Signature { change, .. }
        | DossierFlaw::OthersActor(change)
        | DossierFlaw::Parents { change, .. } => {
            format!("sửa đổi {} không có chữ ký hoặc không khớp", change.short())
        }
        DossierFlaw::Receipt { at, .. } | DossierFlaw::OtherReceipt { at } => {
            format!("xác nhận của cấp trên thứ {at} không đúng")
        }
    }
}
