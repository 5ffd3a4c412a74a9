//! What the doctor found, in detail.

use hopluu_api::text::Both;
use hopluu_engine::{Detail, Diagnosis, Found, Seen};
use hopluu_model::Date;

/// What was found, and how often.
pub(crate) fn detail(found: &Diagnosis) -> Both {
    let (vi, en) = (in_vietnamese(&found.detail), found.detail.to_string());
    match found.times {
        1 => Both::new(vi, en),
        times => Both::new(
            format!("{vi}, {times} lần"),
            format!("{en} ({times} times)"),
        ),
    }
}

fn in_vietnamese(detail: &Detail) -> String {
    match detail {
        Detail::OpenToOthers { path, mode } => format!(
            "người dùng khác của máy mở được {} (quyền {mode:o})",
            path.display()
        ),
        Detail::Found(found) => damage(found),
        Detail::OtherFacts => "số liệu rút ra khác với các lần lưu".to_owned(),
        Detail::CertificateEnded(on) => format!("hết hạn từ ngày {}", day(*on)),
        Detail::CertificateEnds(on) => format!("hết hạn ngày {}", day(*on)),
        Detail::ClockBehind { now, seen, on } => {
            let seen = match seen {
                Seen::Release => "chương trình này có từ ngày",
                Seen::Save => "máy này đã lưu báo cáo ngày",
                Seen::Peer => "máy khác đã gọi đến ngày",
            };
            format!("đồng hồ chỉ ngày {}, nhưng {seen} {}", day(*now), day(*on))
        }
        Detail::Readable(path) => format!("{} chưa mã hóa", path.display()),
        Detail::NoParcels(files) => format!("{files} tệp không phải là gói"),
        Detail::Error(words) => format!("chi tiết kỹ thuật: {words}"),
    }
}

fn damage(found: &Found) -> String {
    match found {
        Found::Pages(words) => format!("trang dữ liệu hỏng, chi tiết kỹ thuật: {words}"),
        Found::HeadsWrong => "phiên bản cuối không khớp các lần lưu".to_owned(),
        Found::ChangesMissing => "thiếu lần lưu".to_owned(),
        Found::DependencyMissing => "một lần lưu dựa trên một lần lưu không có ở đây".to_owned(),
        Found::ActorWrong => "số thứ tự cuối của một người ghi không đúng".to_owned(),
        Found::FactsMissing => "thiếu số liệu rút ra".to_owned(),
        Found::FactsStray => "có số liệu rút ra không thuộc báo cáo nào".to_owned(),
        Found::SnapshotAhead => "bản chụp đi trước các lần lưu".to_owned(),
        Found::JournalGaps => "nhật ký bị đứt quãng".to_owned(),
        Found::JournalStray => "nhật ký nhắc đến thứ không có".to_owned(),
        Found::NotInJournal => "có thứ đã lưu mà nhật ký không ghi".to_owned(),
        Found::FilesWrong => "các mảnh của tệp đính kèm không khớp nhau".to_owned(),
        Found::FileWrong(hash) => format!(
            "nội dung tệp đính kèm {} không khớp mã băm của nó",
            hash.short()
        ),
        Found::BodyWrong(object) => format!("nội dung của {object} không khớp mã băm của nó"),
    }
}

/// A day as it is written on a Vietnamese paper.
fn day(date: Date) -> String {
    let text = date.to_string();
    let parts: Vec<&str> = text.rsplit('-').collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use hopluu_engine::Ailment;

    use super::*;

    #[test]
    fn what_was_found_is_told_in_both_languages() {
        let found = |detail, times| {
            super::detail(&Diagnosis {
                ailment: Ailment::Damage,
                doc: None,
                detail,
                times,
            })
        };
        assert_eq!(
            found(Detail::Found(Found::ChangesMissing), 2),
            Both::new("thiếu lần lưu, 2 lần", "changes are missing (2 times)")
        );
        let clock = Detail::ClockBehind {
            now: "2020-03-04".parse().unwrap(),
            seen: Seen::Save,
            on: "2026-11-22".parse().unwrap(),
        };
        assert_eq!(
            found(clock, 1),
            Both::new(
                "đồng hồ chỉ ngày 04/03/2020, nhưng máy này đã lưu báo cáo ngày 22/11/2026",
                "the clock says 2020-03-04, but this node saved something on 2026-11-22"
            )
        );
        assert_eq!(
            found(Detail::Error("malformed".to_owned()), 1).vi,
            "chi tiết kỹ thuật: malformed"
        );
    }
}
