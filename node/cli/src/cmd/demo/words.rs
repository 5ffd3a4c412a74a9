//! Every word of the demo, Vietnamese and English side by side.

pub(super) mod told;

use hopluu_api::ClientError;
use hopluu_api::text::Both;
use hopluu_model::ErrorChain;

/// What ends the story before its end.
#[derive(Debug)]
pub(super) struct Broken {
    /// Why, for a person.
    pub(super) what: Both,
    /// The exit code of the command that was refused.
    pub(super) code: Option<i32>,
}

impl Broken {
    pub(super) fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            what: Both::new(vi, en),
            code: None,
        }
    }
}

/// Heads of the table, in the order of its cells. The last is the share of communes without
/// prostitution ("không có tệ nạn").
pub(super) const COLUMN_HEADS: [(&str, &str); 8] = [
    ("tổng hợp tại", "total at"),
    ("báo cáo", "reports"),
    ("cơ sở", "establ."),
    ("karaoke", "karaoke"),
    ("buổi", "sessions"),
    ("lượt", "people"),
    ("kiểm tra", "inspected"),
    ("không TN", "free"),
];

pub(super) fn both(vi: String, en: String) -> Both {
    Both { vi, en }
}

// ------------------------------------------------------------------------------------ what breaks

pub(super) fn no_program(error: &std::io::Error) -> Broken {
    Broken::new(
        format!("không biết tệp chương trình nằm ở đâu: {error}"),
        format!("the file of this program is not known: {error}"),
    )
}

pub(super) fn no_folder(error: &std::io::Error) -> Broken {
    Broken::new(
        format!("không tạo được thư mục tạm: {error}"),
        format!("no temporary folder can be made: {error}"),
    )
}

pub(super) fn no_units() -> Broken {
    Broken::new(
        "cây đơn vị kèm chương trình không có tỉnh 45 và huyện 465 với đủ các xã",
        "the units that come with the program lack province 45 or district 465 with its communes",
    )
}

pub(super) fn not_started(line: &str, error: &std::io::Error) -> Broken {
    Broken::new(
        format!("không chạy được `hopluu {line}`: {error}"),
        format!("`hopluu {line}` cannot be started: {error}"),
    )
}

pub(super) fn no_end(line: &str) -> Broken {
    Broken::new(
        format!("`hopluu {line}` không kết thúc"),
        format!("`hopluu {line}` does not end"),
    )
}

pub(super) fn refused(line: &str, code: Option<i32>, told: &str) -> Broken {
    let shown = code.map_or_else(|| "–".to_owned(), |code| code.to_string());
    let what = both(
        format!("`hopluu {line}` kết thúc với mã {shown}: {told}"),
        format!("`hopluu {line}` ended with code {shown}: {told}"),
    );
    Broken { what, code }
}

pub(super) fn no_start(name: &str, log: &str) -> Broken {
    let log = log.trim();
    Broken::new(
        format!("nút {name} không khởi động được: {log}"),
        format!("node {name} does not start: {log}"),
    )
}

pub(super) fn asked(error: &ClientError) -> Broken {
    let chain = ErrorChain(error);
    Broken::new(
        format!("nút không trả lời đúng: {chain}"),
        format!("a node's answer: {chain}"),
    )
}

pub(super) fn not_understood(what: &str, error: &serde_json::Error) -> Broken {
    Broken::new(
        format!("không hiểu câu trả lời của `{what}`: {error}"),
        format!("the answer of `{what}` is not understood: {error}"),
    )
}

pub(super) fn no_terminal(error: &std::io::Error) -> Broken {
    Broken::new(
        format!("không nghe được tín hiệu dừng: {error}"),
        format!("signals to stop cannot be heard: {error}"),
    )
}

pub(super) fn waited_in_vain(what: &Both, state: &str) -> Broken {
    Broken::new(
        format!("chờ mãi không thấy: {}{state}", what.vi),
        format!("waited in vain: {}{state}", what.en),
    )
}

pub(super) fn not_joined() -> Broken {
    Broken::new(
        "một việc chạy song song không kết thúc",
        "something that ran beside did not end",
    )
}

pub(super) fn interrupted() -> Both {
    Both::new(
        "\nđã dừng theo yêu cầu, câu chuyện chưa hết",
        "\nstopped as asked, before the end of the story",
    )
}

// ------------------------------------------------------------------------------------ the frame

pub(super) fn title() -> Both {
    Both::new(
        "Hợp Lưu: tỉnh Quảng Trị (45), huyện Hướng Hóa (465) và 21 xã, thị trấn; kỳ 2016-2020.\n\
         Mỗi đơn vị là một tiến trình riêng với thư mục riêng, nối nhau bằng QUIC có xác thực hai chiều.",
        "Hợp Lưu: Quảng Trị province (45), Hướng Hóa district (465) and its 21 communes; 2016-2020.\n\
         Each unit is a process of its own with a folder of its own; links are QUIC with mutual TLS.",
    )
}

pub(super) fn press_enter() -> Both {
    Both::new(
        "  [Enter để tiếp tục, Ctrl-C để dừng]",
        "  [Enter to go on, Ctrl-C to stop]",
    )
}

pub(super) fn all_held(claims: usize, seconds: &str) -> Both {
    both(
        format!("Tất cả {claims} điều đều đúng, sau {seconds} giây."),
        format!("All {claims} claims held, after {seconds} s."),
    )
}

pub(super) fn some_failed(held: usize, failed: usize, seconds: &str) -> Both {
    both(
        format!("{failed} điều không đúng ({held} điều đúng), sau {seconds} giây:"),
        format!("{failed} claims failed ({held} held), after {seconds} s:"),
    )
}

pub(super) fn all_stopped(is_orderly: bool, ended: usize) -> Both {
    let (vi, en) = if is_orderly {
        ("", "")
    } else {
        (", có nút phải buộc dừng", ", some by force")
    };
    both(
        format!("{ended} nút đã dừng{vi}; thư mục tạm đã xóa"),
        format!("{ended} nodes have stopped{en}; the temporary folder is gone"),
    )
}

/// One step: its number, its title, and what it shows.
pub(super) fn step(number: usize, step: &(Both, Both)) -> Both {
    let (title, shows) = step;
    both(
        format!("\n{number}. {}\n   {}", title.vi, shows.vi),
        format!("\n{number}. {}\n   {}", title.en, shows.en),
    )
}

pub(super) fn kept(folder: &str, program: &str, pids: &str) -> Both {
    let district = format!("{program} --home {folder}/465");
    let commune = format!("{program} --home {folder}/19432");
    let commands = format!(
        "  {district} rollup show 465 pcmd-review 2016-2020\n  \
         {district} rollup explain 465 pcmd-review 2016-2020 II.1.1.a\n  \
         {district} status\n  \
         {commune} report history pcmd-review 2016-2020\n  \
         {commune} report list\n"
    );
    both(
        format!(
            "\nCác nút vẫn chạy trong {folder}. Thử:\n{commands}Dừng và xóa:\n  kill {pids}; rm -r {folder}"
        ),
        format!(
            "\nThe nodes go on in {folder}. Try:\n{commands}To stop and remove:\n  kill {pids}; rm -r {folder}"
        ),
    )
}
