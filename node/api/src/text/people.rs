//! People who are not let in, or may not do what they asked for.

use hopluu_engine::{PeopleError, Permission, Role, Weakness};

use super::Both;

/// What went wrong, in Vietnamese; in English the errors say it themselves.
pub(super) fn message_vi(error: &PeopleError) -> String {
    match error {
        PeopleError::LoginNeeded => {
            "cần đăng nhập: máy này có tài khoản riêng cho từng người".into()
        }
        PeopleError::SessionEnded => "phiên làm việc đã hết, cần đăng nhập lại".into(),
        PeopleError::LoginRefused => "tên tài khoản và mật khẩu không khớp".into(),
        PeopleError::LoginWait { seconds } => {
            format!("sai mật khẩu quá nhiều lần, sau {seconds} giây mới được thử lại")
        }
        PeopleError::NotYourRole { account, needs } => {
            format!(
                "tài khoản `{account}` không có quyền {}",
                permission_vi(*needs)
            )
        }
        PeopleError::WeakPassphrase { why } => weakness_vi(*why),
        PeopleError::BadName(_) => {
            "tên tài khoản chỉ gồm chữ thường không dấu, chữ số và . - _ ở giữa".into()
        }
        PeopleError::Exists(name) => format!("đã có tài khoản `{name}`"),
        PeopleError::Unknown(name) => format!("không có tài khoản `{name}`"),
        PeopleError::NoRole => "tài khoản phải có ít nhất một vai trò".into(),
        PeopleError::NoAdministrator => "phải còn ít nhất một tài khoản quản trị đang mở".into(),
        PeopleError::Revoked { account, .. } => format!("tài khoản `{account}` đã bị thu hồi"),
    }
}

/// What to do about it.
pub(super) fn hint(error: &PeopleError) -> Option<Both> {
    Some(match error {
        PeopleError::LoginNeeded | PeopleError::SessionEnded => Both::new(
            "đăng nhập bằng `hopluu login TÊN`",
            "log in with `hopluu login NAME`",
        ),
        PeopleError::LoginRefused => Both::new(
            "quên mật khẩu thì nhờ người quản trị đặt lại: `hopluu account passphrase TÊN`",
            "an administrator puts a new one for you: `hopluu account passphrase NAME`",
        ),
        PeopleError::LoginWait { .. } => Both::new(
            "chờ, hoặc nhờ người quản trị đặt lại mật khẩu",
            "wait, or have an administrator put a new passphrase",
        ),
        PeopleError::NotYourRole { needs, .. } => {
            let of = |name: fn(Role) -> &'static str| {
                let roles: Vec<_> = needs.roles().map(name).collect();
                roles.join(", ")
            };
            Both::new(
                format!("quyền này thuộc vai trò: {}", of(role_vi)),
                format!("these roles have it: {}", of(Role::as_str)),
            )
        }
        PeopleError::WeakPassphrase { .. } => Both::new(
            "dùng bốn, năm từ không liên quan nhau; không cần chữ hoa, chữ số hay ký tự lạ",
            "take four or five words that have nothing to do with each other; no capitals, digits or signs are needed",
        ),
        PeopleError::NoAdministrator => Both::new(
            "cấp vai trò administrator cho một người trước",
            "give somebody the role administrator first",
        ),
        PeopleError::Unknown(_) => {
            Both::new("xem `hopluu account list`", "see `hopluu account list`")
        }
        PeopleError::BadName(_)
        | PeopleError::Exists(_)
        | PeopleError::NoRole
        | PeopleError::Revoked { .. } => return None,
    })
}

/// A role in Vietnamese.
#[must_use]
pub fn role_vi(role: Role) -> &'static str {
    match role {
        Role::Editor => "người nhập",
        Role::Checker => "người kiểm tra",
        Role::Consolidator => "người tổng hợp",
        Role::Signatory => "người ký",
        Role::Registrar => "văn thư",
        Role::Reader => "người xem",
        Role::Administrator => "quản trị",
    }
}

fn permission_vi(permission: Permission) -> &'static str {
    match permission {
        Permission::Read => "xem",
        Permission::Remark => "ghi chú",
        Permission::Write => "nhập số liệu và lời văn",
        Permission::WriteAll => "nhập cho mọi ngành",
        Permission::Decide => "quyết định về báo cáo",
        Permission::Carry => "chuyển và nhận gói dữ liệu",
        Permission::Administer => "quản trị",
    }
}

fn weakness_vi(why: Weakness) -> String {
    match why {
        Weakness::Short { least } => format!("mật khẩu quá ngắn, cần ít nhất {least} ký tự"),
        Weakness::Long { most } => format!("mật khẩu quá dài, tối đa {most} ký tự"),
        Weakness::Guessable => "mật khẩu này quá dễ đoán".into(),
    }
}
