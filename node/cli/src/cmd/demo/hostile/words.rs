//! What the attackers tried, and what stopped them, in both languages.

use hopluu_api::Problem;
use hopluu_api::text::Both;
use hopluu_model::ErrorChain;
use hopluu_rogue::RogueError;
use hopluu_trust::SignError;

use super::super::process::Told;
use super::super::words::{Broken, both};
use super::scene::{Attacker, Attempt, Seen};

macro_rules! fixed {
    ($($name:ident: $vi:literal, $en:literal;)+) => {
        $(pub(super) fn $name() -> Both {
            Both::new($vi, $en)
        })+
    };
}

macro_rules! steps {
    ($($name:ident: $vi:literal, $en:literal; $shows_vi:literal, $shows_en:literal;)+) => {
        $(pub(super) fn $name() -> (Both, Both) {
            (Both::new($vi, $en), Both::new($shows_vi, $shows_en))
        })+
    };
}

pub(in super::super) fn title() -> Both {
    Both::new(
        "Hợp Lưu: những gì kẻ xấu thử làm, và cái gì chặn lại; tỉnh 45, huyện 465, hai xã và hai ngành.\n\
         Số trong ngoặc vuông là dòng của danh sách đầu vào xấu; sau mũi tên là lời của chính nơi bị tấn công.",
        "Hợp Lưu: what attackers try, and what stops them; province 45, district 465, two communes, two offices.\n\
         In brackets is the line of the list of bad input; behind the arrow, in its own words, what the victim says.",
    )
}

steps! {
    setting: "Một mạng nhỏ đang làm việc", "A small mesh at work";
        "Trước khi có ai làm điều xấu: hai xã báo cáo, một ngành ghi phần mình, một bản ký đi lên huyện.",
        "Before anybody does wrong: two communes report, an office writes its part, a scan goes up to the district.";
    commune: "Một xã bị chiếm quyền", "A commune that was taken over";
        "Kẻ chiếm có khóa, chứng thư và mọi dữ liệu của nút chính một xã, và nói gì cũng được.",
        "The attacker has the key, certificate and data of a commune's main node, and says what it likes.";
    laptop: "Máy tính bị lấy cắp", "Stolen laptops";
        "Máy của công an xã không mã hóa, máy của y tế mã hóa.",
        "That of the police is not encrypted, that of the health office is.";
    relay: "Nút trung gian thù địch", "A hostile relay";
        "Một nút có chứng thư cấp huyện đứng giữa xã và tỉnh, cầm cả thẻ nhớ và mã mời.",
        "A node with a district's certificate between commune and province, which also carries a stick and a ticket.";
}

fixed! {
    borrowed_name: "ký thay đổi bằng khóa mình, ghi tên nút khác", "a change signed by its own key in another node's name";
    strange_key: "thay đổi ký bằng khóa không ai biết", "a change signed by a key that nobody knows";
    others_report: "ghi vào báo cáo của xã khác", "a change in another commune's report";
    chain_loop: "chuỗi chứng thư quay vòng, chữ ký nào cũng đúng", "a chain with a loop in which every signature holds";
    wrong_usage: "chứng thư do máy của một ngành cấp", "a certificate issued by an office, which may issue none";
    foreign_root: "chuỗi dẫn về gốc khác", "a chain to a root of its own";
    expired: "chứng thư đã hết hạn", "a certificate that has expired";
    outside_parent: "tự cấp chứng thư nút chính của xã bên cạnh", "a certificate of its own for the commune beside it";
    wide_grant: "cấp cho ngành mình quyền ghi mọi báo cáo của huyện", "a grant for its office over all reports of the district";
    forged_receipt: "biên nhận giả của huyện cho báo cáo xã khác", "a forged receipt of the district for another's report";
    path_name: "đặt tên tệp là đường dẫn vào thư mục của huyện", "a file name that is a path into the district's home";
    step_of_office: "ngành của xã ghi \"đã gửi\", việc của lãnh đạo xã", "its office writes `submitted`, which it may not";
    step_of_superior: "xã tự ghi \"đã tiếp nhận\" vào báo cáo của mình", "it writes `accepted` into its own report";
    step_out_of_order: "xã ghi \"đã gửi\" khi chưa ai ký", "it writes `submitted` before anybody has signed";
    no_session: "hỏi nút mà không đăng nhập", "a request without a session";
    stolen_session: "phiên sao chép được, sau khi chủ đăng xuất", "a copied session, after its owner has logged out";
    expired_session: "phiên cũ, mười ba giờ sau", "an old session, thirteen hours later";
    web_page: "trang web ở nơi khác hỏi, kèm phiên đúng", "a web page of another origin, with a good session";
    without_grant: "khóa công an ghi dòng của y tế", "the police's key writes a line of the health office";
    after_revocation: "nói tiếp và gọi lại sau khi nút bị thu hồi", "it talks on and calls again after its node was revoked";
    encrypted_disk: "mở ổ đĩa mã hóa: không mật khẩu, đoán, đọc từng tệp", "an encrypted disk: no passphrase, a guess, every file read";
    revoked_key: "đưa lên thay đổi mà khóa bị thu hồi vừa ký", "a change that the revoked key has just signed, passed on";
    replayed_seal: "gắn chữ ký thật của xã lên thay đổi khác", "the commune's own signature put on another change";
    receipt_of_another: "biên nhận giả của tỉnh cho báo cáo của xã", "a forged receipt of the province for the commune's report";
    shared_ticket: "hai nơi dùng một mã mời cùng lúc", "one ticket used at the same moment on two nodes";
}

pub(super) fn guesses(count: usize) -> Both {
    both(
        format!("đoán mật khẩu {count} lần"),
        format!("{count} guesses at a passphrase"),
    )
}

pub(super) fn altered_bundle(bytes: usize) -> Both {
    both(
        format!("gói trên thẻ nhớ sửa một bit, lần lượt ở cả {bytes} byte"),
        format!("a bundle with one bit altered, in each of its {bytes} bytes"),
    )
}

pub(super) fn guessed(tried: usize, turned_away: usize) -> Both {
    both(
        format!("{tried} lần được thử, {turned_away} lần bị gạt ngay"),
        format!("{tried} tried, {turned_away} turned away at once"),
    )
}

pub(super) fn stands(documents: u64) -> Both {
    both(
        format!("số tài liệu còn giữ phần nó ghi trước đó: {documents}"),
        format!("documents in which what it wrote before stands: {documents}"),
    )
}

// ------------------------------------------------------------------------------------ controls

fixed! {
    own_change: "cũng nút ấy, khóa của mình, báo cáo của mình: được tính", "the same node, its own key, its own report: it counts";
    own_office: "chứng thư cho ngành của chính mình: được nghe", "a certificate for its own office: it is heard";
    own_grant: "cấp quyền trong báo cáo của chính mình: có hiệu lực", "a grant in its own reports: it counts";
    scan_arrived: "bản ký đã tới huyện đủ từng byte", "the scan has come to the district, every byte";
    office_arrived: "phần của y tế đã tới tỉnh", "the health office's part has come to the province";
    open_session: "cũng phiên ấy, từ chương trình: được trả lời", "the same session, from a program: it is answered";
    others_log_in: "người khác vẫn đăng nhập được; người bị đoán phải chờ, cả khi gõ đúng", "others still log in; whose passphrase was guessed at waits, even with the right one";
    until_revoked: "trước khi bị thu hồi, dòng của chính ngành ấy vẫn được tính", "until it is revoked, a line of that very office counts";
    plain_disk: "cũng cách tìm ấy thì đọc được máy không mã hóa", "the same search reads the laptop that is not encrypted";
    passphrase_opens: "mật khẩu đúng mở lại đủ số liệu", "the right passphrase brings the figures back";
    revocation_arrived: "tỉnh đã biết về việc thu hồi", "the province has heard of the revocation";
    own_seal: "cũng chữ ký ấy, ở đúng chỗ: được nhận", "the same signature where it was put: it is taken";
    own_bundle: "gói không sửa: được nhận và được tính", "the bundle as it was: it is taken, and counts";
    one_let_in: "một trong hai được vào", "one of the two is let in";
}

pub(super) fn told_why(why: &str) -> Both {
    both(
        format!("máy bị thu hồi được báo lý do: {why}"),
        format!("the revoked node is told why: {why}"),
    )
}

pub(super) fn goes_on(sum: &str) -> Both {
    both(
        format!("xã làm việc bình thường vẫn gửi được: huyện và tỉnh có {sum}"),
        format!("the honest commune still gets through: district and province have {sum}"),
    )
}

pub(super) fn control(done: &Both) -> Both {
    both(
        format!("    đối chứng: {}", done.vi),
        format!("    control: {}", done.en),
    )
}

// ------------------------------------------------------------------------------------ attempts

fn name(by: Attacker) -> Both {
    match by {
        Attacker::Commune => Both::new("xã bị chiếm", "commune"),
        Attacker::Laptop => Both::new("máy bị lấy cắp", "laptop"),
        Attacker::Relay => Both::new("nút trung gian", "relay"),
    }
}

/// What a stopper means.
fn meaning(said: &str) -> Option<Both> {
    let (vi, en) = match said {
        "signature" => ("chữ ký không đúng", "the signature does not hold"),
        "scope" => ("không phải việc của nơi ấy", "not its to say"),
        "parked/author" => (
            "chờ, không tính: không rõ ai ký",
            "waits and counts nowhere: nobody knows who signed",
        ),
        "chain/loop" => ("chuỗi quay vòng", "the chain runs in a circle"),
        "chain/may-not-issue" => ("nơi cấp không được cấp", "its issuer may not issue"),
        "chain/foreign-root" => ("gốc lạ", "another root"),
        "chain/expired" => ("hết hạn", "expired"),
        "link/not-enrolled" => (
            "không có trong cây đơn vị của nơi cấp",
            "not below its issuer in the tree",
        ),
        "plain-name" => (
            "chỉ còn tên tệp, nằm trong thư mục",
            "only a name is left of it, inside the folder",
        ),
        "void/not-superior" => ("vô hiệu: việc của cấp trên", "void: a superior's to do"),
        "void/out-of-order" => ("vô hiệu: sai thứ tự bước", "void: a step out of order"),
        "void/no-grant" => ("vô hiệu: không có quyền", "void: no grant"),
        "void/revoked" => ("vô hiệu: đã thu hồi", "void: revoked"),
        "close/263" => ("đóng liên kết: đã thu hồi", "link closed: revoked"),
        "401 M-1701" => ("phải đăng nhập", "log in first"),
        "401 M-1702" => ("phiên đã hết", "the session has ended"),
        "401 M-1703" => ("sai mật khẩu", "wrong passphrase"),
        "429 M-1704" => ("phải chờ", "has to wait"),
        "403 M-1507" => ("không trả lời trang web", "no page is answered"),
        "M-1601" => ("gói hỏng", "damaged bundle"),
        "M-1602" => ("gói cho nút khác", "for another node"),
        "M-2060" => ("cần mật khẩu", "a passphrase is needed"),
        "M-2113" => ("mật khẩu không mở được", "the passphrase does not open it"),
        "M-2208" => ("mã mời đã dùng", "the ticket has been used"),
        _ => return None,
    };
    Some(Both::new(vi, en))
}

/// One line: who tried what, and what stopped it.
pub(super) fn attempt(attempt: &Attempt, seen: &Seen, totals_unmoved: bool) -> Both {
    let said = |pick: fn(&Both) -> &str| {
        let said = seen.said.iter().map(|said| match meaning(said) {
            Some(meaning) => format!("{said} ({})", pick(&meaning)),
            None => said.clone(),
        });
        let note = seen.note.iter().map(|note| pick(note).to_owned());
        said.chain(note).collect::<Vec<_>>().join("; ")
    };
    let (moved_vi, moved_en) = if totals_unmoved {
        ("", "")
    } else {
        ("; TỔNG ĐÃ ĐỔI", "; A TOTAL HAS MOVED")
    };
    let (line, by) = (attempt.line, name(attempt.by));
    let (vi, en) = (said(|both| &both.vi), said(|both| &both.en));
    both(
        format!("[{line}] {}: {} → {vi}{moved_vi}", by.vi, attempt.tried.vi),
        format!("[{line}] {}: {} → {en}{moved_en}", by.en, attempt.tried.en),
    )
}

// ------------------------------------------------------------------------------------ what breaks

impl From<RogueError> for Broken {
    fn from(error: RogueError) -> Self {
        let chain = ErrorChain(&error);
        Self::new(
            format!("kẻ tấn công không làm được việc của mình: {chain}"),
            format!("an attacker could not do its work: {chain}"),
        )
    }
}

pub(super) fn unsigned(error: SignError) -> Broken {
    RogueError::from(error).into()
}

pub(super) fn nowhere() -> Broken {
    Broken::new("nút không lắng nghe ở đâu", "a node listens nowhere")
}

pub(super) fn not_let_in(told: &str) -> Broken {
    Broken::new(
        format!("chủ máy không đăng nhập được: {told}"),
        format!("an account's owner is not let in: {told}"),
    )
}

pub(super) fn nothing_sealed() -> Broken {
    Broken::new(
        "nút trung gian không nghe được chữ ký nào",
        "the relay has heard nothing that is sealed",
    )
}

/// The code of a command's refusal, from what it printed for programs.
pub(super) fn code_of(told: &Told) -> String {
    let problems = told.err.lines().rev();
    let mut problems = problems.filter_map(|line| serde_json::from_str::<Problem>(line).ok());
    let code = problems.next().map(|problem| problem.code);
    code.unwrap_or_else(|| format!("exit {}", told.code.unwrap_or_default()))
}
