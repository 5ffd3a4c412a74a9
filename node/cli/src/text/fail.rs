//! Why a command was not carried out, for what goes wrong outside the engine's commands.

mod setup;

use std::io;
use std::path::Path;

use hopluu_api::text::{Both, json_vi, technical};
use hopluu_api::{ClientError, Problem, ServeError};
use hopluu_engine::{HomeError, LinkFlaw, StartError};
use hopluu_form::{FormErrors, Lang};
use hopluu_model::tree::LoadError;
use hopluu_model::{ErrorChain, Fault};

pub(crate) use self::setup::restore;
use super::{cause, link, secret};
use crate::failure::{Exit, Failure};

/// `lỗi M-1001: ...` and `gợi ý: ...`.
pub(crate) fn lines(problem: &Problem, lang: Lang) -> String {
    let (error, hint) = match lang {
        Lang::Vi => ("lỗi", "gợi ý"),
        Lang::En => ("error", "hint"),
    };
    let mut text = format!(
        "{error} {}: {}",
        problem.code,
        problem.message.in_lang(lang)
    );
    if let Some(words) = &problem.hint {
        text.push_str(&format!("\n{hint}: {}", words.in_lang(lang)));
    }
    text
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let chain = ErrorChain(&error).to_string();
        match error {
            ClientError::Refused(problem) => (*problem).into(),
            ClientError::NotRunning(dir) => Self::new(
                Exit::NotRunning,
                "M-2001",
                Both::new(
                    format!("không có nút nào chạy trong {}", dir.display()),
                    chain,
                ),
                Some(Both::new(
                    "chạy bằng `hopluu run`",
                    "start it with `hopluu run`",
                )),
            ),
            ClientError::Home(error) => error.into(),
            ClientError::Start { source, .. } => (*source).into(),
            ClientError::Broken(_) => Self::new(
                Exit::NotRunning,
                "M-2002",
                Both::new(
                    "mất kết nối với nút, chưa rõ việc đã làm xong hay chưa",
                    chain,
                ),
                Some(Both::new(
                    "xem lại bằng `hopluu report history`, rồi làm lại nếu cần",
                    "look with `hopluu report history`, and repeat if need be",
                )),
            ),
            ClientError::Silent => Self::new(
                Exit::NotRunning,
                "M-2003",
                Both::new(
                    "nút không trả lời kịp, chưa rõ việc đã làm xong hay chưa",
                    chain,
                ),
                Some(Both::new(
                    "xem trước bằng `hopluu status` và `hopluu report show`, rồi làm lại nếu cần",
                    "look first with `hopluu status` and `hopluu report show`, and repeat if need be",
                )),
            ),
            ClientError::Foreign { .. } => Self::new(
                Exit::Failed,
                "M-2004",
                Both::new(
                    format!("không hiểu trả lời của nút {}", technical(&chain)),
                    chain,
                ),
                Some(Both::new(
                    "nút đang chạy phiên bản khác: khởi động lại nút",
                    "the node runs another version: restart it",
                )),
            ),
            ClientError::Input(error) => Self::new(
                Exit::Failed,
                "M-2005",
                Both::new(
                    format!("không đọc được đầu vào{}", cause::of(&error)),
                    chain,
                ),
                None,
            ),
        }
    }
}

/// The exit code that says who has to act.
pub(super) fn exit_of(fault: Fault) -> Exit {
    match fault {
        Fault::Config => Exit::Usage,
        Fault::Local | Fault::Peer | Fault::Bug => Exit::Failed,
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let en = ErrorChain(&error).to_string();
        let (code, vi, hint) = match &error {
            HomeError::Missing(dir) => (
                "M-2101",
                format!("{} chưa có nút nào", dir.display()),
                Some(Both::new(
                    "chọn thư mục bằng --home, hoặc tạo bằng `hopluu init` hay `hopluu join`",
                    "choose a folder with --home, or make one with `hopluu init` or `hopluu join`",
                )),
            ),
            HomeError::Occupied(dir) => {
                ("M-2102", format!("{} đã có một nút", dir.display()), None)
            }
            HomeError::HalfWritten { dir, missing } => (
                "M-2103",
                format!("{} không đủ: thiếu {missing}", dir.display()),
                Some(missing_part(missing)),
            ),
            HomeError::Locked(dir) => (
                "M-2104",
                format!("{} đang được một tiến trình khác dùng", dir.display()),
                Some(Both::new(
                    "chờ hoặc dừng tiến trình đó",
                    "wait for it, or stop it",
                )),
            ),
            HomeError::ReadOnly { dir, .. } => (
                "M-2105",
                format!("không ghi được vào {}", dir.display()),
                Some(look_at_rights()),
            ),
            HomeError::File { path, .. } => (
                "M-2106",
                format!("không dùng được {}{}", path.display(), cause::of(&error)),
                None,
            ),
            HomeError::Key(path) => (
                "M-2107",
                format!("{} không chứa khóa", path.display()),
                None,
            ),
            HomeError::Closed(_) | HomeError::NotEncrypted(_) | HomeError::Secret { .. } => {
                secret::of_home(&error)
            }
            HomeError::Settings { path, .. } => (
                "M-2108",
                format!("không hiểu {} {}", path.display(), technical(&en)),
                None,
            ),
            HomeError::Address { path, key, address } => (
                "M-2110",
                format!(
                    "`{address}` ở `{key}` trong {} không phải địa chỉ MÁY:CỔNG",
                    path.display()
                ),
                Some(write_address()),
            ),
            HomeError::Link {
                path,
                address,
                source,
            } => (
                "M-2109",
                bad_link(&path.display().to_string(), address, source),
                Some(correct_link()),
            ),
        };
        Self::new(exit_of(error.fault()), code, Both::new(vi, en), hint)
    }
}

/// What is wrong with the settings of a link.
fn bad_link(path: &str, address: &str, flaw: &LinkFlaw) -> String {
    let flaw = link::flaw(flaw);
    format!("không hiểu phần liên kết tới {address} trong {path}: {flaw}")
}

/// What to do about a folder that cannot be written.
fn look_at_rights() -> Both {
    Both::new(
        "kiểm tra quyền của thư mục và ổ đĩa",
        "look at the rights of the folder and at the disk",
    )
}

/// What an address in `node.toml` looks like.
fn write_address() -> Both {
    Both::new(
        "viết như 10.0.0.5:7710, huyen.example:7710 hoặc wss://huyen.example/hopluu rồi chạy lại",
        "write it like 10.0.0.5:7710, district.example:7710 or wss://district.example/hopluu, and start again",
    )
}

/// What to do about the settings of a link.
fn correct_link() -> Both {
    Both::new(
        "sửa phần [link.\"ĐỊA CHỈ\"], xem docs/operations.md",
        "correct the part [link.\"ADDRESS\"], see docs/operations.md",
    )
}

/// What to do about a folder that lacks a part. Whether it was ever used only its owner knows, so no
/// advice may cost the one who used it a figure.
fn missing_part(missing: &str) -> Both {
    match missing {
        "key" => Both::new(
            "đừng xóa: số liệu có thể còn trong store.db. Chép lại tệp key từ nơi cất giữ; nếu không còn, \
             xin mã mời mới và `hopluu join` vào một thư mục khác: báo cáo đã gửi sẽ về từ cấp trên",
            "do not empty it: store.db may hold figures. Put the key file back from where it is kept; \
             if there is none, ask for a new ticket and join in another folder: what was sent comes \
             back from the superior",
        ),
        "store.key" => Both::new(
            "chép lại store.key từ nơi cất giữ, hoặc `hopluu restore` với một bản sao lưu: bản đó mang theo khóa",
            "put store.key back from where it is kept, or `hopluu restore` a backup, which carries it",
        ),
        "node.toml" => Both::new(
            "nếu init hay join vừa bị ngắt: làm lại chính lệnh đó, với chính mã mời đó. Nếu đã dùng: số liệu còn \
             nguyên, hãy viết lại node.toml (listen, upstream)",
            "if init or join was just cut short, repeat it, with the same ticket. If it was in use, \
             nothing is lost: write node.toml again (listen, upstream)",
        ),
        _ => Both::new(
            "nếu init hay join vừa bị ngắt: làm lại chính lệnh đó, với chính mã mời đó. Nếu đã dùng: \
             `hopluu restore` với một bản sao lưu; báo cáo mới hơn sẽ về từ cấp trên",
            "if init or join was just cut short, repeat it, with the same ticket. If it was in use, \
             `hopluu restore` a backup; later reports come back from the superior",
        ),
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let en = ErrorChain(&error).to_string();
        let vi = format!("không mở được địa chỉ{}", cause::of(&error));
        let exit = exit_of(error.fault());
        match error {
            StartError::Setup(error) => error.into(),
            StartError::Bind(_) | StartError::Address(_) => Self::new(
                exit,
                "M-2301",
                Both::new(vi, en),
                Some(Both::new(
                    "chọn địa chỉ khác bằng --listen hoặc trong node.toml",
                    "choose another one with --listen or in node.toml",
                )),
            ),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let en = ErrorChain(&error).to_string();
        let hint = matches!(error, ServeError::PathTooLong(_)).then(|| {
            Both::new(
                "chọn thư mục có đường dẫn ngắn hơn",
                "choose a folder with a shorter path",
            )
        });
        let vi = format!("không mở được cổng lệnh{}", cause::of(&error));
        Self::new(exit_of(error.fault()), "M-2302", Both::new(vi, en), hint)
    }
}

/// The runtime does not start.
pub(crate) fn runtime(error: &io::Error) -> Failure {
    let message = Both::new(
        format!("không khởi động được{}", cause::of(error)),
        format!("cannot start: {error}"),
    );
    Failure::new(Exit::Failed, "M-2006", message, None)
}

/// The node has died within: only a new process can go on.
pub(crate) fn loop_ended() -> Failure {
    let message = Both::new(
        "lỗi bên trong chương trình, nút đã dừng; mọi dữ liệu đã xác nhận vẫn còn",
        "a fault within the program, the node has stopped; whatever was confirmed is kept",
    );
    let hint = Both::new(
        "chạy lại nút và gửi nhật ký cho người bảo trì",
        "start it again, and send the log to whoever maintains it",
    );
    Failure::new(Exit::Failed, "M-2303", message, Some(hint))
}

/// Nobody says where the node's folder is.
pub(crate) fn no_home() -> Failure {
    let message = Both::new("không rõ thư mục của nút", "the node's folder is not known");
    let hint = Both::new("chọn bằng --home", "choose it with --home");
    Failure::new(Exit::Usage, "M-2007", message, Some(hint))
}

/// Standard output does not take the answer.
pub(crate) fn output(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::unread();
    }
    let message = Both::new(
        format!("không in ra được{}", cause::of(error)),
        format!("cannot print: {error}"),
    );
    Failure::new(Exit::Failed, "M-2008", message, None)
}

/// A file cannot be read or written.
pub(crate) fn file(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("không đọc hay ghi được {path}{}", cause::of(error)),
        format!("{path} cannot be read or written: {error}"),
    );
    let exit = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::AlreadyExists => {
            Exit::Usage
        }
        _ => Exit::Failed,
    };
    Failure::new(exit, "M-2009", message, None)
}

/// A file is no text, or text of another encoding.
pub(crate) fn not_utf8(path: &Path) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} không phải văn bản UTF-8"),
        format!("{path} is not UTF-8 text"),
    );
    let hint = Both::new(
        "lưu lại tệp với bảng mã UTF-8",
        "save the file again as UTF-8",
    );
    Failure::new(Exit::Usage, "M-2009", message, Some(hint))
}

/// A file is longer than anything of its kind.
pub(crate) fn too_large(path: &Path, most: u64) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} dài hơn {most} byte"),
        format!("{path} is longer than {most} bytes"),
    );
    Failure::new(Exit::Usage, "M-2010", message, None)
}

/// A figure is not written as `CODE=VALUE`.
pub(crate) fn figure(typed: &str) -> Failure {
    let message = Both::new(
        format!("`{typed}` không có dạng MÃ=SỐ"),
        format!("`{typed}` is not CODE=VALUE"),
    );
    let hint = Both::new(
        "ví dụ: I.1=1.500 hoặc I.1@police=08",
        "for example I.1=1.500 or I.1@police=08",
    );
    Failure::new(Exit::Usage, "M-2011", message, Some(hint))
}

/// There is nothing to set.
pub(crate) fn nothing_to_set() -> Failure {
    let message = Both::new("không có số liệu nào để nhập", "there is no figure to set");
    let hint = Both::new(
        "viết MÃ=SỐ hoặc dùng --csv",
        "write CODE=VALUE, or use --csv",
    );
    Failure::new(Exit::Usage, "M-2012", message, Some(hint))
}

/// One figure is given two values in one save.
pub(crate) fn set_twice(code: &str) -> Failure {
    let message = Both::new(
        format!("`{code}` được nhập hai lần trong một lần lưu"),
        format!("`{code}` is set twice in one save"),
    );
    let hint = Both::new("chỉ để lại một giá trị", "leave one value only");
    Failure::new(Exit::Usage, "M-2020", message, Some(hint))
}

/// A table of figures is not understood.
pub(crate) fn table(line: u64, wrong: &Both) -> Failure {
    let message = Both::new(
        format!("bảng số liệu, dòng {line}: {}", wrong.vi),
        format!("table of figures, line {line}: {}", wrong.en),
    );
    let hint = Both::new(
        "dòng đầu là tên cột: code, value, và nếu cần office, note",
        "the first line names the columns: code, value, and perhaps office and note",
    );
    Failure::new(Exit::Usage, "M-2013", message, Some(hint))
}

/// Units do not load.
pub(crate) fn units(error: &LoadError) -> Failure {
    let message = Both::new(
        format!(
            "không đọc được cây đơn vị {}",
            technical(&error.to_string())
        ),
        format!("the unit tree: {error}"),
    );
    Failure::new(Exit::Usage, "M-2014", message, None)
}

/// A form has mistakes.
pub(crate) fn form(path: &Path, errors: &FormErrors) -> Failure {
    let path = path.display();
    let message = Both::new(
        format!("{path} có lỗi:\n{}", errors.report(Lang::Vi)),
        format!("{path} has mistakes:\n{}", errors.report(Lang::En)),
    );
    Failure::new(Exit::Usage, "M-2015", message, None)
}

/// A tree event is not understood; in English the library names line and column itself.
pub(crate) fn event(line: usize, error: &serde_json::Error) -> Failure {
    let message = Both::new(
        format!("thay đổi cây đơn vị, dòng {line}: {}", json_vi(error)),
        format!("change of the tree, line {line}: {error}"),
    );
    Failure::new(Exit::Usage, "M-2016", message, None)
}

/// The node's form cannot be read by this program.
pub(crate) fn foreign_form(form: &str) -> Failure {
    let message = Both::new(
        format!("biểu mẫu `{form}` của nút dùng định dạng khác"),
        format!("form `{form}` of the node is in another format"),
    );
    Failure::new(Exit::Failed, "M-2017", message, None)
}

/// The machine's clock stands before the time that can be counted.
pub(crate) fn clock() -> Failure {
    let message = Both::new(
        "đồng hồ của máy đang ở trước năm 1970",
        "the machine's clock stands before 1970",
    );
    let hint = Both::new(
        "chỉnh lại ngày giờ của máy rồi làm lại",
        "set the machine's date and time, and repeat",
    );
    Failure::new(Exit::Failed, "M-2019", message, Some(hint))
}

/// A command line that is not understood.
pub(crate) fn usage(message: Both, hint: Option<Both>) -> Failure {
    Failure::new(Exit::Usage, "M-2000", message, hint)
}

/// A restore while a node runs.
pub(crate) fn still_running() -> Failure {
    let message = Both::new(
        "nút đang chạy trong thư mục này",
        "a node runs in this folder",
    );
    let hint = Both::new("dừng nút rồi làm lại", "stop it and repeat");
    Failure::new(Exit::Failed, "M-2018", message, Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_did_not_come_leaves_open_whether_it_was_done() {
        let failure = Failure::from(ClientError::Silent);
        let problem = failure.problem().unwrap();
        assert_eq!(
            (failure.exit(), &*problem.code),
            (Exit::NotRunning, "M-2003")
        );
        assert!(problem.message.vi.contains("chưa rõ"));
        assert!(problem.message.en.contains("not known"));
        assert!(problem.hint.as_ref().unwrap().en.contains("report show"));
    }
}
