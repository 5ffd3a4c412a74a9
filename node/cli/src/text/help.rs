//! The help of every command, in the language that was asked for. The English words stand at the
//! commands themselves (`args`); here are the Vietnamese ones, and a test that none is missing.

mod keys;

use clap::{Arg, ArgAction, Command, CommandFactory};
use hopluu_form::Lang;

use crate::args::Cli;

const TEMPLATE_VI: &str = "\
{about-with-newline}
Cách viết: {usage}

{all-args}";

/// The command line with its help in one language.
pub(crate) fn command(lang: Lang) -> Command {
    let command = Cli::command();
    match lang {
        Lang::En => command,
        Lang::Vi => {
            let mut command = in_vietnamese(command, "");
            // The library adds its `help` only now.
            command.build();
            with_help_in_vietnamese(command)
        }
    }
}

/// Puts the words of `help` into Vietnamese, at every command that has commands below it.
fn with_help_in_vietnamese(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(&name, |below| match &*name {
            "help" => helping(below),
            _ => with_help_in_vietnamese(below),
        })
    })
}

fn helping(command: Command) -> Command {
    let command = command
        .about("In phần trợ giúp này, hoặc của một lệnh")
        .help_template(TEMPLATE_VI)
        .subcommand_help_heading("Các lệnh");
    if command.find_subcommand("help").is_some() {
        command.mut_subcommand("help", helping)
    } else {
        command
    }
}

fn in_vietnamese(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let arguments: Vec<String> = command
        .get_arguments()
        .map(|argument| argument.get_id().to_string())
        .collect();
    let mut command = command
        .help_template(TEMPLATE_VI)
        .subcommand_help_heading("Các lệnh")
        .disable_help_flag(true)
        .arg(flag("help", 'h', ArgAction::HelpShort, path));
    if path.is_empty() {
        command =
            command
                .disable_version_flag(true)
                .arg(flag("version", 'V', ArgAction::Version, path));
    }
    if let Some(about) = about_vi(path) {
        command = command.about(about);
    }
    for argument in arguments {
        let help = help_vi(path, &argument);
        command = command.mut_arg(argument, |argument| {
            let is_option = argument.get_long().is_some() || argument.get_short().is_some();
            let heading = if is_option {
                "Tùy chọn"
            } else {
                "Tham số"
            };
            let argument = argument.help_heading(heading);
            // What may be typed stands in the Vietnamese words themselves.
            let argument = if argument.get_action().takes_values() {
                argument.hide_possible_values(true).hide_default_value(true)
            } else {
                argument
            };
            match help {
                Some(help) => argument.help(help),
                None => argument,
            }
        });
    }
    for name in names {
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path} {name}")
        };
        command = command.mut_subcommand(name, |command| in_vietnamese(command, &below));
    }
    command
}

/// One of the two options that the library would otherwise describe in English.
fn flag(name: &'static str, short: char, action: ArgAction, path: &str) -> Arg {
    let flag = Arg::new(name)
        .long(name)
        .short(short)
        .action(action)
        .help_heading("Tùy chọn");
    match help_vi(path, name) {
        Some(help) => flag.help(help),
        None => flag,
    }
}

fn about_vi(path: &str) -> Option<&'static str> {
    let about = match path {
        "" => "Số liệu và lời văn của báo cáo, từ xã đến tỉnh, có mạng hay không có mạng",
        "init" => "Tạo gốc của một mạng mới: khóa, cây đơn vị, biểu mẫu",
        "invite" => "Cấp mã mời dùng một lần cho một máy mới",
        "join" => "Vào mạng bằng mã mời",
        "rekey" => "Thay khóa của máy này bằng khóa mới, với mã mời cho chính vị trí đó",
        "run" => "Chạy nút: giữ liên kết và nhận lệnh cho đến khi bị dừng",
        "status" => "Xem nút, các liên kết và phần còn nợ",
        "link" => {
            "Xem từng liên kết: tải được bao nhiêu, còn nợ gì và gửi mất bao lâu, đã tốn bao nhiêu"
        }
        "link call" => "Gọi ngay các máy cấp trên, bằng liên kết mới: khi vừa bật modem",
        "watch" => "In ra từng thay đổi, mỗi dòng một việc, ngay khi đã nằm trên đĩa",
        "report" => "Viết và xem báo cáo",
        "report new" => "Mở báo cáo, trống hoặc theo kỳ trước",
        "report list" => "Liệt kê báo cáo và nơi mỗi báo cáo đã tới",
        "report show" => "Xem một báo cáo",
        "report set" => "Nhập số liệu, từ dòng lệnh hoặc từ CSV",
        "report clear" => "Để trống số liệu",
        "report text" => "Viết lời của một mục",
        "report note" => "Viết ghi chú bên cạnh một số liệu",
        "report conflicts" => "Liệt kê số liệu mà các ngành ghi khác nhau",
        "report settle" => "Quyết định số nào được giữ",
        "report attach" => "Đính kèm một tệp: PDF, JPEG, PNG hoặc TIFF, tối đa 50 MB",
        "report attachments" => "Liệt kê tệp đính kèm và nơi mỗi tệp đã tới",
        "report detach" => "Gỡ một tệp đính kèm",
        "report save-attachment" => "Lưu một tệp đính kèm ra tệp",
        "report undo" => "Hoàn tác lần lưu cuối của máy này",
        "report withdraw" => "Rút báo cáo",
        "report history" => "Xem ai đã sửa gì, lúc nào",
        "report print" => "In báo cáo thành trang dễ đọc",
        "report import" => "Nhập nhiều báo cáo từ các dòng JSON",
        "report export" => "Xuất báo cáo thành các dòng JSON",
        "rollup" => "Số tổng hợp và nguồn gốc của nó",
        "rollup show" => "Xem số tổng hợp của một đơn vị",
        "rollup explain" => "Xem số tổng hợp từ đâu ra, đến từng báo cáo, phiên bản và người ghi",
        "rollup recompute" => "Tính lại từ mọi báo cáo rồi so sánh",
        "form" => "Biểu mẫu",
        "form list" => "Liệt kê biểu mẫu đang có",
        "form show" => "Xem biểu mẫu, từng dòng",
        "form check" => "Nêu mọi lỗi trong tệp biểu mẫu, chỗ sai và cách sửa",
        "form add" => "Ban hành biểu mẫu cho mọi đơn vị bên dưới",
        "units" => "Cây đơn vị",
        "units show" => "Xem một đơn vị",
        "units tree" => "Xem một đơn vị và mọi đơn vị bên dưới",
        "units add" => "Ban hành thay đổi cây đơn vị, từ các dòng JSON",
        "bundle" => "Chuyển tay khi không có mạng: tệp và giấy chỉ nơi nhận mở được",
        "bundle export" => {
            "Lập gói những gì máy khác còn thiếu, mỗi máy một gói chỉ máy đó mở được"
        }
        "bundle inspect" => "Cho biết gói của ai, gửi cho ai, không mở gói",
        "bundle import" => "Nhận gói gửi cho máy này, từ tệp hoặc từ ảnh chụp mã",
        "backup" => "Sao lưu cơ sở dữ liệu ra một tệp trong khi nút vẫn chạy",
        "restore" => "Đặt bản sao lưu vào chỗ của cơ sở dữ liệu",
        "encrypt" => "Mã hóa thư mục của nút, để ai lấy được ổ đĩa cũng không đọc được gì",
        "decrypt" => "Bỏ mã hóa thư mục của nút",
        "passphrase" => "Đổi mật khẩu hoặc tệp khóa của thư mục đã mã hóa",
        "demo" => "Cho xem cả mạng hoạt động trên máy này: một tỉnh, một huyện, 21 xã, ba ngành",
        "doctor" => "Khám thư mục của nút, và chữa cơ sở dữ liệu",
        _ => return about_rights_vi(path),
    };
    Some(about)
}

fn about_rights_vi(path: &str) -> Option<&'static str> {
    let about = match path {
        "login" => "Đăng nhập, nơi mỗi người có tài khoản riêng",
        "logout" => "Đăng xuất",
        "account" => "Ai làm việc trên máy này",
        "account list" => "Liệt kê tài khoản trên máy này",
        "account me" => "Ai đang đăng nhập, được làm gì",
        "account add" => "Lập tài khoản; có tài khoản đầu tiên thì ai cũng phải đăng nhập",
        "account change" => "Đổi việc một người được làm",
        "account close" => "Khóa tài khoản: không đăng nhập được nữa, những gì đã ghi vẫn giữ",
        "account open" => "Mở lại tài khoản đã khóa",
        "account passphrase" => {
            "Đặt mật khẩu mới: của mình, hoặc người quản trị đặt cho người quên mật khẩu"
        }
        "grant" => "Ai được ghi gì",
        "grant list" => "Liệt kê ai được ghi gì",
        "grant give" => "Giao cho một cơ quan quyền ghi trong báo cáo của một đơn vị",
        "grant take" => "Thu lại một lần giao quyền; những gì đã ghi vẫn giữ",
        "revoke" => "Những gì không còn hiệu lực: máy bị lấy cắp, người đã thôi việc",
        "revoke list" => "Liệt kê những gì không còn hiệu lực",
        "revoke node" => {
            "Thu hồi một máy: phần đã có ở đây vẫn giữ, không ai liên kết với máy đó nữa"
        }
        "revoke account" => "Thu hồi tài khoản của một người trên một máy",
        "parked" => "Những gì còn chờ một thứ khác mới vào được",
        "parked list" => "Liệt kê những gì đang chờ biểu mẫu, chứng thư hoặc một sửa đổi",
        "parked drop" => "Bỏ một thứ đang chờ",
        "audit" => "Ai đã ghi gì và theo quyền nào, ai đã xem phần riêng tư, đã từ chối những gì",
        "audit report" => {
            "Xem ai đã ghi từng số liệu, lời văn, tệp và bước của báo cáo, lúc nào, từ đâu, theo quyền nào"
        }
        "audit reads" => "Xem ai đã được xem chỉ tiêu riêng tư trên máy này",
        "audit published" => "Xem máy này đã công bố những bảng nào, do ai, từ số tổng hợp nào",
        "export" => "Những gì ra ngoài hệ thống báo cáo",
        "export public" => {
            "Ghi bảng của một đơn vị và các đơn vị ngay dưới để công bố: che số người quá ít và những số làm lộ chúng"
        }
        "support" => {
            "Ghi những gì người giúp từ xa cần biết: không có số liệu, lời văn, tên người, khóa"
        }
        "audit refused" => "Xem máy này đã từ chối những gì, của ai, vì sao",
        "verify" => "Kiểm hồ sơ của `audit report --export` chỉ bằng gốc, không cần nút nào",
        "void" => "Những gì do người không có quyền ghi, và cách xử lý",
        "void list" => "Liệt kê những gì do người không có quyền ghi, không được tính ở đâu",
        "void show" => "Xem một sửa đổi như vậy",
        "void adopt" => "Ghi lại nội dung đó dưới tên máy này",
        "void dismiss" => "Để nguyên, không tính",
        _ => return keys::about_vi(path),
    };
    Some(about)
}

#[expect(
    clippy::too_many_lines,
    reason = "one table, held to every option by a test"
)]
fn help_vi(path: &str, argument: &str) -> Option<&'static str> {
    let help = match (path, argument) {
        (_, "home") => "Thư mục của nút [mặc định: hopluu trong thư mục dữ liệu của người dùng]",
        (_, "home_passphrase_file") => {
            "Tệp có mật khẩu mở thư mục đã mã hóa ở dòng đầu; `-` là đọc từ đầu vào chuẩn [mặc định: hỏi]"
        }
        (_, "home_key_file") => "Tệp khóa mở thư mục đã mã hóa",
        (_, "encrypt") => "Mã hóa thư mục: bằng mật khẩu, hoặc bằng tệp khóa nếu có",
        (_, "new_passphrase_file") => "Tệp có mật khẩu mới ở dòng đầu [mặc định: hỏi]",
        (_, "new_key_file") => "Tệp khóa mới; mật khẩu vẫn như cũ",
        (_, "backup_passphrase_file") => {
            "Tệp có mật khẩu lúc sao lưu, nếu khác của thư mục [mặc định: hỏi]"
        }
        (_, "backup_key_file") => "Tệp khóa lúc sao lưu, nếu khác của thư mục",
        (_, "lang") => "Ngôn ngữ của thông báo: vi hoặc en [mặc định: vi]",
        (_, "json") => "Trả lời bằng JSON",
        (_, "help") => "In phần trợ giúp này",
        (_, "version") => "In phiên bản",
        ("init", "root") => "Gốc của lòng tin: các máy khác vào bên dưới",
        ("init", "unit") => "Đơn vị, theo mã hoặc MÃ@NGÀY",
        ("init", "form") => "Tệp biểu mẫu để ban hành [mặc định: biểu mẫu đi kèm chương trình]",
        ("init", "units") => {
            "Thư mục có tree.toml và các bảng [mặc định: cây đơn vị đi kèm chương trình]"
        }
        ("run", "listen") => "Địa chỉ chờ các máy khác, thay cho địa chỉ trong node.toml",
        (_, "listen") => "Địa chỉ chờ các máy khác",
        (_, "proxy") => {
            "Máy chủ proxy HTTP để TCP ra ngoài, dạng http://[người dùng:mật khẩu@]máy:cổng; giữ trong node.toml"
        }
        ("run", "log_format") => "Dạng dòng nhật ký: text hoặc json [mặc định: text]",
        ("invite", "unit") => "Đơn vị của máy mới; bỏ trống nếu là máy của một ngành ở đơn vị này",
        ("invite", "office") => "Ngành của máy mới",
        ("invite", "address") => {
            "Địa chỉ mà máy mới dùng để tới máy này [mặc định: địa chỉ đang chờ]"
        }
        ("invite", "hours") => "Mã mời có hiệu lực bao nhiêu giờ [mặc định: 168]",
        ("invite", "qr") => "Ghi thêm mã QR, một ảnh PNG vào tệp này",
        ("join" | "rekey", "ticket") => {
            "Mã mời, hoặc ảnh chụp mã QR của nó (PNG, JPEG); `-` là đọc từ đầu vào chuẩn"
        }
        ("report import", "file") => "Tệp, mỗi dòng một lần lưu; `-` là đọc từ đầu vào chuẩn",
        ("report export", "output") => "Tệp để ghi; bỏ trống là in ra đầu ra chuẩn",
        ("report list" | "report export", "form") => "Chỉ biểu mẫu này",
        ("report list" | "report export", "period") => "Chỉ kỳ này",
        ("report list" | "report export" | "audit reads", "unit") => "Chỉ đơn vị này",
        ("report new", "like") => "Lấy số liệu và lời văn làm mẫu; last: của kỳ trước",
        ("report set", "figures") => "Số liệu, viết MÃ=SỐ hoặc MÃ@NGÀNH=SỐ",
        ("report set", "csv") => {
            "Bảng có các cột code, value, nếu cần thêm office và note; `-` là đọc từ đầu vào chuẩn"
        }
        (_, "new") => "Mở báo cáo nếu chưa có",
        ("report clear", "figures") => "Số liệu, viết MÃ hoặc MÃ@NGÀNH",
        ("report clear", "all") => "Mọi số liệu của báo cáo",
        ("report text", "section") => "Mục",
        ("report text", "text") => "Toàn bộ lời văn mới",
        ("report text", "file") => "Tệp chứa lời văn; `-` là đọc từ đầu vào chuẩn",
        ("report note", "text") => "Ghi chú; để trống là xóa",
        ("report note" | "report settle", "code") => "Số liệu, viết MÃ hoặc MÃ@NGÀNH",
        ("report settle", "value") => "Số được giữ",
        ("report attach", "file") => "Tệp",
        ("report attach", "caption") => "Tệp là văn bản gì",
        ("report detach" | "report save-attachment", "attachment") => {
            "Tệp, theo số thứ tự trong danh sách, theo tên, hoặc phần đầu mã băm"
        }
        ("report save-attachment", "output") => {
            "Nơi lưu [mặc định: tên của tệp, trong thư mục này]"
        }
        ("report save-attachment", "force") => "Ghi đè tệp đã có",
        ("report withdraw", "reason") => "Lý do; vẫn đọc được về sau",
        ("rollup explain", "code") => "Chỉ tiêu; bỏ trống là toàn bộ",
        ("form check", "files") => "Các tệp biểu mẫu; `-` là đọc từ đầu vào chuẩn",
        ("form add", "file") => "Tệp biểu mẫu",
        ("form add", "units") => "Chỉ cho các đơn vị này và mọi đơn vị bên dưới",
        ("units show" | "units tree", "unit") => {
            "Đơn vị, theo mã hoặc MÃ@NGÀY [mặc định: đơn vị của máy này]"
        }
        ("units show" | "units tree", "on") => "Ngày [mặc định: hôm nay]",
        ("units add", "file") => "Tệp, mỗi dòng một thay đổi; `-` là đọc từ đầu vào chuẩn",
        ("backup", "file") => "Tệp để ghi; chưa được có sẵn",
        ("doctor", "repair") => {
            "Cứu những gì cứu được của cơ sở dữ liệu hỏng; phần còn lại các máy khác gửi trả"
        }
        ("bundle export", "to") => "Cho máy chính của đơn vị này, theo mã hoặc MÃ@NGÀY",
        ("bundle export", "office") => "Cho máy của ngành này trong đơn vị đó",
        ("bundle export", "all") => "Cho cấp trên và mọi máy do máy này mời vào",
        ("bundle export", "out") => "Tệp để ghi, hoặc thư mục để ghi vào [mặc định: thư mục này]",
        ("bundle export", "attachments") => {
            "Cả tệp đính kèm của báo cáo, ghi thành các tệp sau cùng"
        }
        ("bundle export", "size_max") => {
            "Mỗi tệp tối đa bao nhiêu byte; cần thì ghi thành nhiều tệp"
        }
        ("bundle export", "report") => "Chỉ báo cáo này: biểu mẫu và kỳ",
        ("bundle export", "qr") => {
            "Ghi thành mã để in: tối đa hai ảnh và một trang giấy, vào thư mục này"
        }
        ("bundle inspect" | "bundle import", "files") => "Tệp gói, hoặc ảnh chụp mã (PNG, JPEG)",
        ("restore", "file") => "Bản sao lưu",
        ("demo", "check") => "Không cần người: không dừng chờ; mã thoát 1 nếu có điều không đúng",
        ("demo", "hostile") => {
            "Cho một xã bị chiếm, máy bị lấy cắp và nút trung gian thù địch thử những gì không được phép"
        }
        ("demo", "keep") => "Để các nút chạy tiếp và cho biết chúng ở đâu",
        ("rollup show" | "rollup explain" | "rollup recompute" | "export public", "unit") => {
            "Đơn vị, theo mã hoặc MÃ@NGÀY"
        }
        (_, "form") => "Biểu mẫu",
        (_, "period") => "Kỳ báo cáo, ví dụ 2026-H1",
        (_, "unit") => "Đơn vị, theo mã hoặc MÃ@NGÀY [mặc định: đơn vị của máy này]",
        (_, "instance") => "Báo cáo thứ mấy của kỳ; chỉ 0 được cộng vào số tổng hợp [mặc định: 0]",
        ("account add", "office") => "Ngành mà người này nhập, không nhập ngành khác",
        ("account change", "office") => "Ngành mà người này nhập; để trống là không ngành nào",
        (_, "office") => "Ngành mà phần này thuộc về [mặc định: ngành của máy này]",
        _ => return help_rights_vi(path, argument),
    };
    Some(help)
}

fn help_rights_vi(path: &str, argument: &str) -> Option<&'static str> {
    let help = match (path, argument) {
        ("login" | "account close" | "account open" | "account change", "account") => "Tài khoản",
        ("account add", "account") => "Tài khoản: chữ thường không dấu, chữ số và . - _",
        ("account passphrase", "account") => "Tài khoản [mặc định: của mình]",
        (_, "passphrase_file") => {
            "Tệp có mật khẩu ở dòng đầu; `-` đọc từ đầu vào chuẩn [mặc định: hỏi trên màn hình]"
        }
        (_, "old_passphrase_file") => "Tệp có mật khẩu cũ ở dòng đầu, khi đổi mật khẩu của mình",
        (_, "admin") => "Lập tài khoản quản trị cho người này; từ đó ai cũng phải đăng nhập",
        ("account add", "role") => "Vai trò; nhiều vai trò cách nhau bằng dấu phẩy",
        ("account change", "role") => "Vai trò từ nay; nhiều vai trò cách nhau bằng dấu phẩy",
        ("grant give", "office") => "Cơ quan",
        ("grant give", "unit") => "Báo cáo của đơn vị nào, theo mã; bỏ trống là đơn vị của máy này",
        ("grant give", "below") => "Cả báo cáo của các đơn vị bên dưới",
        ("grant give", "of") => "Đơn vị của cơ quan, theo mã; bỏ trống là đơn vị có báo cáo",
        ("grant give", "form") => "Chỉ biểu mẫu này",
        ("grant give", "since") => "Từ kỳ kết thúc vào ngày này",
        ("grant give", "until") => "Đến kỳ kết thúc vào ngày này",
        ("grant give", "lines") => {
            "Số liệu và ghi chú: own, all, none, hoặc các mã cách nhau bằng dấu phẩy [mặc định: own]"
        }
        ("grant give", "texts") => {
            "Phần lời: own, all, none, hoặc các mục cách nhau bằng dấu phẩy [mặc định: own]"
        }
        ("grant give", "reads") => {
            "Chỉ tiêu nhạy cảm được đọc mà không được ghi: own, all, none hoặc các mã, cách nhau bằng dấu phẩy"
        }
        ("grant give", "no_attachments") => "Không có tệp đính kèm",
        ("grant give", "step") => "Một bước của báo cáo, ví dụ signed",
        ("grant take", "grant") => "Lần giao quyền, theo phần đầu của tên",
        ("grant take", "reason") => {
            "Lý do: lost, stolen, replaced, left, misused hoặc mistake [mặc định: mistake]"
        }
        (_, "reason") if path.starts_with("revoke") => {
            "Lý do: lost, stolen, replaced, left, misused hoặc mistake"
        }
        ("revoke node" | "revoke account", "node") => "Máy, theo phần đầu của khóa",
        ("revoke account", "account") => "Tài khoản",
        ("audit report", "name") => "Chỉ tiêu hoặc mục; bỏ trống là toàn bộ",
        ("audit report", "export") => "Ghi toàn bộ ra tệp mà ai biết mã gốc đều kiểm được",
        ("audit report", "compartment") => "Của ngăn riêng này, không phải của phần chung",
        ("audit reads", "since") => "Từ ngày này",
        ("export public", "out") => "Tệp CSV để ghi; nguồn gốc ghi bên cạnh, dạng JSON",
        ("support", "file") => "Tệp để ghi, JSON, đọc được trước khi gửi",
        ("verify", "file") => "Tệp do `audit report --export` ghi",
        ("verify", "root") => "Gốc được tin: mã gốc, hoặc tệp chứa chứng thư gốc",
        ("parked drop", "name") => "Thứ đang chờ, theo phần đầu của tên",
        ("void list", "all") => "Cả những gì đã nhận hoặc đã bỏ",
        ("void show" | "void adopt" | "void dismiss", "change") => "Sửa đổi, theo phần đầu của tên",
        _ => return keys::help_vi(path, argument),
    };
    Some(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(command: &Command, path: &str, found: &mut Vec<String>) {
        if about_vi(path).is_none() {
            found.push(path.to_owned());
        }
        for argument in command.get_arguments() {
            if help_vi(path, argument.get_id().as_str()).is_none() {
                found.push(format!("{path} --{}", argument.get_id()));
            }
            assert!(
                argument.get_help().is_some(),
                "{path} {} in English",
                argument.get_id()
            );
        }
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name());
            missing(below, path.trim(), found);
        }
    }

    #[test]
    fn every_command_and_option_has_its_words_in_both_languages() {
        let mut found = Vec::new();
        missing(&Cli::command(), "", &mut found);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn the_help_command_speaks_vietnamese_too() {
        let help = |typed: &[&str]| {
            let words = [&["hopluu"], typed].concat();
            let shown = command(Lang::Vi).try_get_matches_from(words).unwrap_err();
            assert_eq!(
                shown.kind(),
                clap::error::ErrorKind::DisplayHelp,
                "{typed:?}"
            );
            let shown = shown.to_string();
            assert!(
                !shown.contains("Print") && !shown.contains("Usage"),
                "{shown}"
            );
            shown
        };
        assert!(help(&["help"]).contains("Viết và xem báo cáo"));
        assert!(help(&["help", "report"]).contains("Hoàn tác lần lưu cuối"));
        assert!(help(&["help", "report", "set"]).contains("Cách viết: hopluu report set"));
        assert!(help(&["report", "help", "set"]).contains("Nhập số liệu"));
        assert!(help(&["help", "help"]).contains("của một lệnh"));
    }

    #[test]
    fn help_speaks_the_language_that_was_asked_for() {
        let help = |lang| command(lang).render_help().to_string();
        assert!(
            help(Lang::Vi).contains("Các lệnh") && help(Lang::Vi).contains("Viết và xem báo cáo")
        );
        assert!(!help(Lang::Vi).contains("Print") && !help(Lang::Vi).contains("Options:"));
        assert!(help(Lang::En).contains("Commands:") && help(Lang::En).contains("Write and read"));
    }
}
