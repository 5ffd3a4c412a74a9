//! `link`: what is owed to whom, how long it takes, and what the links have cost.

use hopluu_api::Client;
use hopluu_engine::view::{Allowance, CostView, LinkView, PlanView, UpstreamView};
use hopluu_form::Lang;

use crate::args::{LinkArgs, LinkCommand};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::show;
use crate::table::{Align, Table};
use crate::text::{self, link as words, word};

pub(super) async fn run(args: &LinkArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(LinkCommand::Call) = args.command {
        return call(context).await;
    }
    let links = context.ask(async |client| client.link_list().await).await?;
    context.answer(&links, |links| page(links, context.lang))?;
    Ok(Exit::Done)
}

async fn call(context: &Context) -> Result<Exit, Failure> {
    let client = Client::running(context.dir()?).await?;
    let upstream = client.link_call().await?;
    context.answer(&upstream, |upstream| calls(upstream, context.lang))?;
    Ok(Exit::Done)
}

fn calls(upstream: &[UpstreamView], lang: Lang) -> String {
    if upstream.is_empty() {
        return format!("{}\n", words::nobody_to_call(lang));
    }
    let mut facts = Table::pairs();
    for upstream in upstream {
        facts.row([
            upstream.addr.clone(),
            words::called(upstream.state, lang).to_owned(),
        ]);
    }
    facts.text()
}

fn page(links: &[LinkView], lang: Lang) -> String {
    let pages: Vec<String> = links.iter().map(|link| one(link, lang)).collect();
    if pages.is_empty() {
        return format!(
            "{}\n",
            word(lang, "chưa gặp máy nào", "no other node was met")
        );
    }
    pages.join("\n")
}

fn one(link: &LinkView, lang: Lang) -> String {
    let mut facts = Table::pairs();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact(text::unit(lang), show::unit(&link.unit_name, &link.unit));
    fact(text::node(lang), link.node.short());
    let state = if link.is_linked {
        text::linked(lang)
    } else {
        text::not_linked(lang)
    };
    fact(text::link(lang), state.to_owned());
    if let Some(rate) = link.rate {
        fact(word(lang, "tốc độ", "rate"), words::rate(rate));
    }
    if let Some(ms) = link.round_trip_ms {
        fact(
            word(lang, "một vòng đi về", "round trip"),
            format!("{ms} ms"),
        );
    }
    if let Some(plan) = &link.plan {
        for (name, value) in planned(plan, lang) {
            fact(name, value);
        }
    }
    for owed in &link.owed {
        let name = format!("{}: {}", text::owed(lang), words::class(lang, owed.class));
        fact(
            &name,
            format!("{} ({})", owed.entries, words::bytes(owed.bytes, lang)),
        );
    }
    if link.owed.is_empty() {
        fact(text::owed(lang), text::none(lang).to_owned());
    }
    if link.is_more_owed {
        let more = word(lang, "và còn nữa", "and more");
        fact(text::owed(lang), more.to_owned());
    }
    if let Some(seconds) = link.seconds.filter(|seconds| *seconds > 0) {
        fact(word(lang, "gửi mất", "takes"), words::time(seconds, lang));
    }
    let mut page = facts.text();
    for costs in [&link.days, &link.months] {
        if !costs.is_empty() {
            page.push('\n');
            page.push_str(&ledger(costs, lang));
        }
    }
    page
}

fn planned(plan: &PlanView, lang: Lang) -> Vec<(&'static str, String)> {
    let always = word(lang, "mọi lúc", "always");
    let windows = if plan.windows.is_empty() {
        always.to_owned()
    } else {
        plan.windows.join("; ")
    };
    let minutes = plan.changes_in_minutes;
    let changes = minutes.map(|minutes| words::time(u64::from(minutes) * 60, lang));
    let open = match (plan.is_open, changes) {
        (true, None) => always.to_owned(),
        (true, Some(time)) => format!("{} {time}", word(lang, "đang mở, còn", "open, for")),
        (false, Some(time)) => format!(
            "{} {time}",
            word(lang, "đang đóng, mở sau", "closed, opens in")
        ),
        (false, None) => word(lang, "đang đóng", "closed").to_owned(),
    };
    let mut facts = vec![
        (text::listen(lang), plan.address.clone()),
        (
            word(lang, "loại đường truyền", "profile"),
            plan.profile.clone(),
        ),
        (word(lang, "giờ được gọi", "windows"), windows),
        (word(lang, "lúc này", "now"), open),
    ];
    if let Some(rate) = plan.rate_max {
        facts.push((
            word(lang, "tốc độ tối đa", "rate at most"),
            words::rate(rate),
        ));
    }
    if let Some(bytes) = plan.month_bytes_max {
        let allowed = match plan.allowance {
            Allowance::All => word(lang, "còn đủ", "within"),
            Allowance::Urgent => word(
                lang,
                "đã hết: chỉ còn gửi việc gấp",
                "used up: only what is urgent goes",
            ),
            Allowance::Nothing => word(
                lang,
                "đã hết cả phần dự trữ: chờ tháng sau",
                "used up with its reserve: waits for the next month",
            ),
        };
        let name = word(lang, "mức mỗi tháng", "a month");
        facts.push((name, format!("{}, {allowed}", words::bytes(bytes, lang))));
    }
    facts
}

/// What links have cost: one line a day or a month, one column for each purpose that cost anything.
fn ledger(costs: &[CostView], lang: Lang) -> String {
    let mut table = Table::new([
        (word(lang, "ngày, tháng", "day, month"), Align::Left),
        (word(lang, "gửi đi", "up"), Align::Right),
        (word(lang, "nhận về", "down"), Align::Right),
        (word(lang, "cho việc gì", "for what"), Align::Left),
    ]);
    for cost in costs {
        let purposes = cost.purposes.iter().map(|(purpose, (up, down))| {
            let bytes = words::bytes(up.saturating_add(*down), lang);
            format!("{} {bytes}", words::purpose(lang, *purpose))
        });
        table.row([
            cost.when.clone(),
            words::bytes(cost.up, lang),
            words::bytes(cost.down, lang),
            purposes.collect::<Vec<_>>().join(", "),
        ]);
    }
    table.text()
}
