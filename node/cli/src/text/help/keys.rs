//! Vietnamese help of the commands about keys and the time.

pub(super) fn about_vi(path: &str) -> Option<&'static str> {
    let about = match path {
        "clock" => "Bây giờ là lúc nào theo những gì cấp trên đã ký, và ai nói vậy",
        "clock show" => "Xem bây giờ là lúc nào theo những gì cấp trên đã ký",
        "clock set" => {
            "Nói bây giờ là ngày nào: ở gốc là nói với mọi máy, ở máy khác là với máy đó"
        }
        "root" => "Khóa gốc trên giấy, và tạo lại máy gốc từ giấy",
        "root backup" => "Ghi khóa gốc thành nhiều phần để in; đủ số phần thì tạo lại được máy gốc",
        "root restore" => "Tạo lại máy gốc đã mất từ các phần của khóa, trong một thư mục trống",
        _ => return None,
    };
    Some(about)
}

pub(super) fn help_vi(path: &str, argument: &str) -> Option<&'static str> {
    let help = match (path, argument) {
        ("clock set", "day") => "Hôm nay là ngày nào [mặc định: theo đồng hồ của máy]",
        ("clock set", "before") => {
            "Ai nói là ngày này hoặc muộn hơn thì sai [mặc định: lần nói sai đầu tiên đã thấy ở đây]"
        }
        ("root backup", "out") => "Thư mục để ghi chữ và trang giấy của từng phần",
        ("root backup", "needed") => "Cần mấy phần để tạo lại [mặc định: 3]",
        ("root backup", "shares") => "Chia thành mấy phần [mặc định: 5]",
        ("root restore", "files") => "Tệp chữ của các phần, hoặc ảnh chụp mã (PNG, JPEG)",
        ("root restore", "units") => {
            "Thư mục có tree.toml và các bảng, như khi `init` [mặc định: cây đơn vị đi kèm chương trình]"
        }
        _ => return None,
    };
    Some(help)
}
