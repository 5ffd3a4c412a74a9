//! Why a node could not be set up, opened, restored or repaired.

use std::path::Path;

use hopluu_api::text::{Both, technical};
use hopluu_engine::{JoinCallError, JoinError, JoinRefusal, OpenError, SetupError};
use hopluu_form::Lang;
use hopluu_model::{ErrorChain, Fault};

use super::exit_of;
use crate::failure::{Exit, Failure};
use crate::show;
use crate::text::{cause, join, secret};

/// What to do about a database that does not open.
fn unopened(error: &OpenError) -> Option<Both> {
    let hint = match error {
        OpenError::NewerVersion { .. } => Both::new(
            "cài chương trình phiên bản đã ghi nó, hoặc mới hơn",
            "install the program that wrote it, or a newer one",
        ),
        OpenError::HalfWritten { .. }
        | OpenError::Damaged { .. }
        | OpenError::NotADatabase { .. }
        | OpenError::Content { .. } => Both::new(
            "chạy `hopluu doctor`, rồi `hopluu doctor --repair` hoặc `hopluu restore`",
            "run `hopluu doctor`, then `hopluu doctor --repair` or `hopluu restore`",
        ),
        OpenError::DiskFull { .. } | OpenError::Backup { .. } => Both::new(
            "giải phóng chỗ trên ổ đĩa rồi làm lại; số liệu đã lưu vẫn an toàn",
            "make room on the disk and repeat; what was saved is safe",
        ),
        OpenError::ReadOnly { .. } => Both::new(
            "kiểm tra quyền của thư mục và ổ đĩa",
            "look at the rights of the folder and at the disk",
        ),
        OpenError::Locked { .. } => {
            Both::new("chờ hoặc dừng tiến trình đó", "wait for it, or stop it")
        }
        OpenError::Foreign { .. } | OpenError::Missing { .. } => Both::new(
            "kiểm tra lại --home; nếu đúng thư mục, `hopluu restore` với một bản sao lưu",
            "look at --home again; if it is the right folder, `hopluu restore` a backup",
        ),
        OpenError::Plain { .. } => Both::new(
            "việc mã hóa bị ngắt giữa chừng: chạy lại `hopluu encrypt`, hoặc `hopluu decrypt`",
            "encrypting was cut half-way: run `hopluu encrypt` again, or `hopluu decrypt`",
        ),
        OpenError::OtherKey { .. } => Both::new(
            "chép lại store.key đi cùng cơ sở dữ liệu này, hoặc `hopluu restore` với một bản sao lưu",
            "put back the store.key that belongs to it, or `hopluu restore` a backup",
        ),
        OpenError::File { .. } | OpenError::Db { .. } => return None,
    };
    Some(hint)
}

impl From<SetupError> for Failure {
    #[expect(
        clippy::too_many_lines,
        reason = "one table, exhaustive over what goes wrong in setting up"
    )]
    fn from(error: SetupError) -> Self {
        let mut en = ErrorChain(&error).to_string();
        let hint = setup_hint(&error);
        let exit = match &error {
            SetupError::Join(call) if is_unreached(call) => Exit::NotRunning,
            _ => exit_of(error.fault()),
        };
        let (code, vi) = match error {
            SetupError::Open(OpenError::DiskFull { .. }) => (
                "M-1401",
                "ổ đĩa đã đầy: chưa mở được cơ sở dữ liệu, những gì đã lưu vẫn an toàn".to_owned(),
            ),
            SetupError::Home(error) => return error.into(),
            SetupError::NothingSaved(_) => (
                "M-2213",
                format!("không cứu được gì từ cơ sở dữ liệu hỏng {}", technical(&en)),
            ),
            SetupError::Open(_) => (
                "M-2201",
                format!("không mở được cơ sở dữ liệu {}", technical(&en)),
            ),
            SetupError::Store(_) | SetupError::Write(_) => (
                "M-2202",
                format!("cơ sở dữ liệu không nhận lần ghi này {}", technical(&en)),
            ),
            SetupError::Random(_) => (
                "M-2203",
                format!("máy không cho số ngẫu nhiên {}", technical(&en)),
            ),
            SetupError::UnknownUnit { text } => (
                "M-2204",
                format!("không có đơn vị `{text}` trong cây đơn vị"),
            ),
            SetupError::Form(mistakes) => (
                "M-2205",
                format!("biểu mẫu có lỗi: {}", mistakes.report(Lang::Vi)),
            ),
            SetupError::Ticket(error) => (
                "M-2206",
                format!("không đọc được mã mời: {}", join::ticket(&error)),
            ),
            SetupError::Expired(at) => {
                en = format!("the ticket ended at {}", show::time(at, Lang::En));
                let at = show::time(at, Lang::Vi);
                ("M-2207", format!("mã mời đã hết hạn lúc {at}"))
            }
            SetupError::Join(error) => {
                ("M-2208", format!("chưa vào được: {}", join::reason(&error)))
            }
            SetupError::Issue(_) => (
                "M-2209",
                format!("không ghi được chứng thư gốc {}", technical(&en)),
            ),
            SetupError::Chain(_) | SetupError::NoIdentity => (
                "M-2210",
                format!(
                    "cơ sở dữ liệu không nói rõ đây là máy nào {}",
                    technical(&en)
                ),
            ),
            SetupError::OtherNode { theirs, ours } => (
                "M-2211",
                format!(
                    "bản sao lưu là của máy {}, đây là máy {}",
                    theirs.short(),
                    ours.short()
                ),
            ),
            SetupError::OtherPlace { unit, office } => {
                let office = office.map(|office| format!(", ngành {office}"));
                let office = office.unwrap_or_default();
                (
                    "M-2228",
                    format!("mã mời này cho {unit}{office}, không phải cho máy này"),
                )
            }
            SetupError::Unsound(_) => (
                "M-2215",
                format!("cơ sở dữ liệu bị hỏng {}", technical(&en)),
            ),
            SetupError::BackupClosed(why) => (
                "M-2216",
                match why {
                    None => "bản sao lưu đã mã hóa, chưa có mật khẩu hay tệp khóa".to_owned(),
                    Some(why) => format!("không mở được bản sao lưu: {}", secret::why(&why)),
                },
            ),
            SetupError::File { source, .. } => (
                "M-2212",
                format!("không chép được tệp{}", cause::of(&source)),
            ),
        };
        Self::new(exit, code, Both::new(vi, en), hint)
    }
}

/// Whether nobody has heard the call, so that the ticket is as good as before.
fn is_unreached(call: &JoinCallError) -> bool {
    match call {
        JoinCallError::NoAddress | JoinCallError::NoAnswer(_) => true,
        // Another node at that address has answered, which no repeating mends.
        JoinCallError::Dial(error) => error.fault() == Fault::Local,
        JoinCallError::Socket(_) | JoinCallError::TooLarge | JoinCallError::Join(_) => false,
    }
}

fn setup_hint(error: &SetupError) -> Option<Both> {
    let hint = match error {
        SetupError::Open(error) => return unopened(error),
        SetupError::NothingSaved(_) => Both::new(
            "`hopluu restore` với một bản sao lưu; nếu không có, xin mã mời mới và `hopluu join` \
             vào một thư mục khác: báo cáo đã gửi sẽ về từ cấp trên",
            "`hopluu restore` a backup; if there is none, ask for a new ticket and join in another \
             folder: what was sent comes back from the superior",
        ),
        SetupError::Unsound(_) => Both::new(
            "chạy `hopluu doctor --repair` trước",
            "run `hopluu doctor --repair` first",
        ),
        SetupError::BackupClosed(_) => Both::new(
            "dùng --backup-passphrase-file hoặc --backup-key-file: mật khẩu hay tệp khóa lúc sao lưu",
            "use --backup-passphrase-file or --backup-key-file: those that the backup was made under",
        ),
        SetupError::Join(JoinCallError::NoAddress) => Both::new(
            "kiểm tra địa chỉ mà bên mời đã ghi bằng --address; nếu sai thì xin mã mời mới",
            "look at the address that the issuer gave with --address; if it is wrong, ask for a new ticket",
        ),
        SetupError::Join(call) if is_unreached(call) => Both::new(
            "kiểm tra đường truyền và máy của bên mời, rồi làm lại với chính mã mời này",
            "look at the link and at the issuer's node, then repeat with the same ticket",
        ),
        SetupError::Join(JoinCallError::Join(JoinError::Refused(JoinRefusal::Busy))) => Both::new(
            "lát nữa làm lại với chính mã mời này",
            "repeat with the same ticket in a moment",
        ),
        SetupError::Ticket(_)
        | SetupError::Expired(_)
        | SetupError::OtherPlace { .. }
        | SetupError::Join(_) => Both::new(
            "xin mã mời mới bằng `hopluu invite` ở máy cấp trên",
            "ask for a new ticket (`hopluu invite` at the superior)",
        ),
        _ => return None,
    };
    Some(hint)
}

/// A backup that cannot take the place of the database, which is untouched.
pub(crate) fn restore(path: &Path, error: SetupError) -> Failure {
    let is_unfit = match &error {
        SetupError::Open(error) => !matches!(
            error,
            OpenError::DiskFull { .. } | OpenError::NewerVersion { .. }
        ),
        SetupError::Chain(_) | SetupError::NoIdentity => true,
        _ => false,
    };
    if !is_unfit {
        return error.into();
    }
    let (path, en) = (path.display(), ErrorChain(&error).to_string());
    let message = Both::new(
        format!("{path} không phải bản sao lưu dùng được {}", technical(&en)),
        format!("{path} is no backup that can be used: {en}"),
    );
    let hint = Both::new(
        "chọn một bản sao lưu khác; dữ liệu của nút vẫn như cũ",
        "choose another backup; what the node holds is as it was",
    );
    Failure::new(Exit::Usage, "M-2214", message, Some(hint))
}

#[cfg(test)]
mod tests {
    use hopluu_model::Timestamp;

    use super::*;

    #[test]
    fn a_ticket_ends_by_the_clock_of_the_country() {
        let failure = Failure::from(SetupError::Expired(Timestamp(1_795_322_400_000)));
        let message = &failure.problem().unwrap().message;
        assert_eq!(message.vi, "mã mời đã hết hạn lúc 22/11/2026 11:40");
        assert_eq!(message.en, "the ticket ended at 2026-11-22 11:40");
    }
}
