//! Words about rights.

use hopluu_api::text::Both;
use hopluu_form::Lang;

use super::word;

/// Heads of tables, and what stands in them.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) grant: &'static str,
    pub(crate) office: &'static str,
    pub(crate) reports: &'static str,
    pub(crate) lines: &'static str,
    pub(crate) texts: &'static str,
    pub(crate) reads: &'static str,
    pub(crate) steps: &'static str,
    pub(crate) counts: &'static str,
    pub(crate) below: &'static str,
    pub(crate) all_forms: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) own: &'static str,
    pub(crate) all: &'static str,
    pub(crate) revoked: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) why: &'static str,
    pub(crate) by: &'static str,
    pub(crate) stands: &'static str,
    pub(crate) change: &'static str,
    pub(crate) what: &'static str,
    pub(crate) answer: &'static str,
    pub(crate) parked: &'static str,
}

const VI: Words = Words {
    grant: "giao quyền",
    office: "cơ quan",
    reports: "báo cáo",
    lines: "số liệu",
    texts: "phần lời",
    reads: "được xem thêm",
    steps: "bước",
    counts: "hiệu lực",
    below: " và các đơn vị bên dưới",
    all_forms: "mọi biểu mẫu",
    nothing: "không",
    own: "phần của cơ quan",
    all: "tất cả",
    revoked: "đã thu hồi",
    unit: "đơn vị",
    why: "lý do",
    by: "bởi",
    stands: "tài liệu còn giữ",
    change: "sửa đổi",
    what: "phần không tính",
    answer: "xử lý",
    parked: "đang chờ",
};

const EN: Words = Words {
    grant: "grant",
    office: "office",
    reports: "reports",
    lines: "figures",
    texts: "texts",
    reads: "may also read",
    steps: "steps",
    counts: "counts",
    below: " and the units below",
    all_forms: "every form",
    nothing: "none",
    own: "its own",
    all: "all",
    revoked: "revoked",
    unit: "unit",
    why: "why",
    by: "by",
    stands: "documents that stand",
    change: "change",
    what: "what is void",
    answer: "answer",
    parked: "waiting",
};

impl Words {
    pub(crate) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Vi => &VI,
            Lang::En => &EN,
        }
    }
}

pub(crate) fn yes(lang: Lang, is_so: bool) -> &'static str {
    if is_so {
        word(lang, "có", "yes")
    } else {
        word(lang, "không", "no")
    }
}

/// Why something was revoked.
pub(crate) fn reason(lang: Lang, reason: &str) -> &'static str {
    match reason {
        "lost" => word(lang, "bị mất", "lost"),
        "stolen" => word(lang, "bị lấy cắp", "stolen"),
        "replaced" => word(lang, "đã thay", "replaced"),
        "left" => word(lang, "đã thôi việc", "left"),
        "misused" => word(lang, "dùng sai", "misused"),
        "mistake" => word(lang, "giao nhầm", "given by mistake"),
        _ => word(lang, "khác", "other"),
    }
}

/// Why this node is revoked, as a node above has told it: `stolen, by 45@2024-05-01, revocation 0a1b2c3d`.
pub(crate) fn revoked_why(lang: Lang, why: &str) -> String {
    let said = why.split_once(", by ").and_then(|(why, rest)| {
        let (by, revocation) = rest.split_once(", revocation ")?;
        Some((why, by, revocation))
    });
    match said {
        Some((why, by, revocation)) => {
            let (of, named) = (
                word(lang, "do", "by"),
                word(lang, "lệnh thu hồi", "revocation"),
            );
            format!("{}, {of} {by}, {named} {revocation}", reason(lang, why))
        }
        None => why.to_owned(),
    }
}

/// What a node that is revoked saves.
pub(crate) fn may_not_count(why: &dyn Fn(Lang) -> String) -> Both {
    let (vi, en) = (why(Lang::Vi), why(Lang::En));
    Both::new(
        format!(
            "cảnh báo: máy này đã bị thu hồi ({vi}); những gì lưu từ đó có thể không được tính ở đâu"
        ),
        format!(
            "warning: this node is revoked ({en}); what it saves from then on may count nowhere"
        ),
    )
}

/// Why something counts nowhere.
pub(crate) fn void_why(lang: Lang, why: &str) -> &'static str {
    match why {
        "not-enrolled" => word(lang, "máy không có chứng thư", "no certificate"),
        "other-unit" => word(lang, "đơn vị khác", "another unit"),
        "revoked" => word(lang, "quyền đã bị thu hồi", "revoked"),
        "not-superior" => word(lang, "việc của cấp trên", "a superior's to do"),
        "out-of-order" => word(lang, "sai thứ tự bước", "a step out of order"),
        _ => word(lang, "chưa được giao", "not granted"),
    }
}

/// What something waits for.
pub(crate) fn parked_why(lang: Lang, why: &str) -> &'static str {
    match why {
        "form" => word(lang, "chờ biểu mẫu", "a form:"),
        "author" => word(lang, "chờ chứng thư của máy", "the certificate of"),
        "change" => word(lang, "chờ sửa đổi", "a change:"),
        _ => word(lang, "chờ gộp các sửa đổi rời nhau", "a merge"),
    }
}

pub(crate) fn dropped() -> Both {
    Both::new("đã bỏ, không chờ nữa", "given up")
}

pub(crate) fn nothing_parked() -> Both {
    Both::new("không có gì đang chờ", "nothing waits")
}

pub(crate) fn answer(lang: Lang, answer: &str) -> &'static str {
    match answer {
        "adopted" => word(lang, "đã nhận", "adopted"),
        _ => word(lang, "đã bỏ", "dismissed"),
    }
}

pub(crate) fn answered(is_adopted: bool) -> Both {
    if is_adopted {
        Both::new(
            "đã ghi lại dưới tên máy này",
            "written again in this node's own name",
        )
    } else {
        Both::new("để nguyên, không tính", "it stays void")
    }
}

pub(crate) fn nothing_void() -> Both {
    Both::new(
        "không có gì do người không có quyền ghi",
        "nothing was written by somebody who may not",
    )
}
