//! `watch`: what changes, one line each, as it becomes durable.

use hopluu_api::shape::{WatchLine, WatchMark};
use hopluu_api::{Client, ClientError};
use hopluu_engine::view::WatchEvent;
use hopluu_form::Lang;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{show, text};

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    // Without a running node nothing would ever happen here.
    let client = Client::running(context.dir()?).await?;
    let mut lines = client.watch().await?;
    while let Some(line) = lines.next().await? {
        let printed = match serde_json::from_slice(&line) {
            Ok(WatchLine::Mark(WatchMark::Ended { error })) => Err(ClientError::Refused(error))?,
            Ok(line) if !context.is_json => in_words(&line, context.lang),
            // An event of a newer node is shown as it is.
            _ => String::from_utf8_lossy(&line).into_owned(),
        };
        context.print(&printed)?;
    }
    Ok(Exit::Done)
}

fn in_words(line: &WatchLine, lang: Lang) -> String {
    let event = match line {
        WatchLine::Event(event) => event,
        WatchLine::Mark(_) => return text::word(lang, "đang theo dõi", "watching").to_owned(),
    };
    match event {
        WatchEvent::ReportChanged { report, from, .. } => {
            let from = from
                .map(|node| format!(" ← {}", node.short()))
                .unwrap_or_default();
            let unit = show::unit(&report.unit_name, &report.unit);
            let verb = text::word(lang, "báo cáo đổi", "report changed");
            format!("{verb}: {} {} {unit}{from}", report.form, report.period)
        }
        WatchEvent::TotalChanged {
            unit,
            form,
            period,
            reported,
            expected,
            ..
        } => {
            let verb = text::word(lang, "tổng hợp đổi", "total changed");
            format!("{verb}: {form} {period} {unit} {reported}/{expected}")
        }
        WatchEvent::ReceiptArrived { report, unit, at } => {
            let verb = text::word(lang, "cấp trên đã có", "received above");
            let at = show::time(*at, lang);
            format!(
                "{verb}: {} {} {} → {unit} {at}",
                report.form, report.period, report.unit
            )
        }
        WatchEvent::LinkOpened { node, unit } => {
            format!(
                "{}: {unit} {}",
                text::word(lang, "đã nối", "link up"),
                node.short()
            )
        }
        WatchEvent::LinkClosed { node } => {
            format!(
                "{}: {}",
                text::word(lang, "đã ngắt", "link down"),
                node.short()
            )
        }
        WatchEvent::RecordArrived { kind, unit } => {
            format!(
                "{}: {} {unit}",
                text::word(lang, "văn bản mới", "record arrived"),
                text::record_kind(lang, kind)
            )
        }
        WatchEvent::Disk { state } => {
            format!("{}: {}", text::disk_word(lang), text::disk(lang, *state))
        }
        WatchEvent::Missed { events } => {
            format!("{}: {events}", text::word(lang, "bỏ lỡ", "missed"))
        }
    }
}
