//! `grant`, `revoke`, `void` and `parked`: who may write what, what somebody wrote who may not, and what waits.

use hopluu_api::shape::{ParkedRequest, VoidRequest};
use hopluu_engine::view::{
    GrantRequest, GrantView, ParkedView, ReachView, RevocationView, RevokeRequest, VoidQuery,
    VoidView,
};
use hopluu_form::Lang;

use crate::args::{GiveArgs, GrantCommand, ParkedCommand, RevokeCommand, VoidCommand};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::table::{Align, Table};
use crate::{show, text};

/// How much of a name is shown: enough to type it again.
const NAME_CHARS: usize = 12;

pub(super) async fn grant(command: GrantCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        GrantCommand::List => {
            let grants = context
                .ask(async |client| client.grant_list().await)
                .await?;
            context.answer(&grants, |grants| grant_table(grants, context.lang))?;
        }
        GrantCommand::Give(args) => {
            let request = request(args);
            let given = context
                .ask(async |client| client.grant_give(&request).await)
                .await?;
            context.answer(&given, |given| {
                grant_table(std::slice::from_ref(given), context.lang)
            })?;
        }
        GrantCommand::Take(args) => {
            let request = RevokeRequest {
                target: args.grant,
                account: None,
                reason: args.reason,
            };
            return revoke_one(request, context).await;
        }
    }
    Ok(Exit::Done)
}

fn request(args: GiveArgs) -> GrantRequest {
    GrantRequest {
        unit: args.unit,
        below: args.below,
        holder: args.of,
        office: args.office,
        forms: args.form,
        since: args.since,
        until: args.until,
        lines: args.lines,
        texts: args.texts,
        attachments: !args.no_attachments,
        steps: args.step,
        reads: args.reads,
    }
}

pub(super) async fn revoke(command: RevokeCommand, context: &Context) -> Result<Exit, Failure> {
    let request = match command {
        RevokeCommand::List => {
            let all = context
                .ask(async |client| client.revocation_list().await)
                .await?;
            context.answer(&all, |all| revocation_table(all, context.lang))?;
            return Ok(Exit::Done);
        }
        RevokeCommand::Node(args) => RevokeRequest {
            target: args.node,
            account: None,
            reason: args.reason,
        },
        RevokeCommand::Account(args) => RevokeRequest {
            target: args.node,
            account: Some(args.account),
            reason: args.reason,
        },
    };
    revoke_one(request, context).await
}

async fn revoke_one(request: RevokeRequest, context: &Context) -> Result<Exit, Failure> {
    let revoked = context
        .ask(async |client| client.revoke(&request).await)
        .await?;
    context.answer(&revoked, |revoked| {
        revocation_table(std::slice::from_ref(revoked), context.lang)
    })?;
    Ok(Exit::Done)
}

pub(super) async fn void(command: VoidCommand, context: &Context) -> Result<Exit, Failure> {
    let (change, is_adopted) = match command {
        VoidCommand::List(args) => {
            let query = VoidQuery {
                all: args.all,
                change: None,
            };
            return void_list(query, context).await;
        }
        VoidCommand::Show(args) => {
            let query = VoidQuery {
                all: true,
                change: Some(args.change),
            };
            return void_list(query, context).await;
        }
        VoidCommand::Adopt(args) => (args.change, true),
        VoidCommand::Dismiss(args) => (args.change, false),
    };
    let request = VoidRequest { change };
    let saved = context
        .ask(async |client| {
            if is_adopted {
                client.void_adopt(&request).await
            } else {
                client.void_dismiss(&request).await
            }
        })
        .await?;
    context.answer(&saved, |_| {
        let said = text::rights::answered(is_adopted);
        said.in_lang(context.lang).to_owned()
    })?;
    Ok(Exit::Done)
}

pub(super) async fn parked(command: ParkedCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        ParkedCommand::List => {
            let parked = context
                .ask(async |client| client.parked_list().await)
                .await?;
            context.answer(&parked, |parked| parked_table(parked, context.lang))?;
        }
        ParkedCommand::Drop(args) => {
            let request = ParkedRequest { name: args.name };
            let done = context
                .ask(async |client| client.parked_drop(&request).await)
                .await?;
            context.answer(&done, |_| {
                text::rights::dropped().in_lang(context.lang).to_owned()
            })?;
        }
    }
    Ok(Exit::Done)
}

async fn void_list(query: VoidQuery, context: &Context) -> Result<Exit, Failure> {
    let voids = context
        .ask(async |client| client.void_list(&query).await)
        .await?;
    context.answer(&voids, |voids| void_table(voids, context.lang))?;
    Ok(Exit::Done)
}

fn grant_table(grants: &[GrantView], lang: Lang) -> String {
    let words = text::rights::Words::of(lang);
    let mut table = Table::new([
        (words.grant, Align::Left),
        (words.office, Align::Left),
        (words.reports, Align::Left),
        (words.lines, Align::Left),
        (words.texts, Align::Left),
        (words.reads, Align::Left),
        (words.steps, Align::Left),
        (words.counts, Align::Left),
    ]);
    for grant in grants {
        let below = if grant.below { words.below } else { "" };
        let holder = show::unit(&grant.holder_name, &grant.holder);
        let steps = grant
            .steps
            .iter()
            .map(|step| text::step_of(lang, step.as_str()));
        table.row([
            name(&grant.grant.to_string()),
            format!("{}\n{holder}", grant.office),
            format!(
                "{}{below}\n{}",
                show::unit(&grant.unit_name, &grant.unit),
                reports(grant, words.all_forms)
            ),
            reach(&grant.lines, words),
            reach(&grant.texts, words),
            reach(&grant.reads, words),
            steps.collect::<Vec<_>>().join(", "),
            text::rights::yes(lang, grant.counts).to_owned(),
        ]);
    }
    table.text()
}

/// Which reports a grant is about, beside whose.
fn reports(grant: &GrantView, all: &str) -> String {
    let forms: Vec<_> = grant.forms.iter().map(ToString::to_string).collect();
    let forms = if forms.is_empty() {
        all.to_owned()
    } else {
        forms.join(", ")
    };
    let day = |day: Option<hopluu_model::Date>| day.map_or_else(String::new, |day| day.to_string());
    match (grant.since, grant.until) {
        (None, None) => forms,
        (since, until) => format!("{forms}, {}–{}", day(since), day(until)),
    }
}

fn reach(reach: &ReachView, words: &text::rights::Words) -> String {
    match reach {
        ReachView::Nothing => words.nothing.to_owned(),
        ReachView::Own => words.own.to_owned(),
        ReachView::All => words.all.to_owned(),
        ReachView::Only(names) => names.join(", "),
    }
}

fn revocation_table(all: &[RevocationView], lang: Lang) -> String {
    let words = text::rights::Words::of(lang);
    let mut table = Table::new([
        (words.revoked, Align::Left),
        (words.unit, Align::Left),
        (words.why, Align::Left),
        (words.by, Align::Left),
        (words.stands, Align::Right),
    ]);
    for one in all {
        let node = one.node.map(|node| node.to_string());
        let target = node.or(one.grant.map(|grant| grant.to_string()));
        let account = one.account.as_ref().map(|account| format!(" {account}"));
        let office = one.office.as_ref().map(|office| format!(" {office}"));
        let id = |unit: &Option<hopluu_model::UnitId>| {
            unit.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        table.row([
            name(&target.unwrap_or_default()) + &account.unwrap_or_default(),
            id(&one.unit) + &office.unwrap_or_default(),
            text::rights::reason(lang, &one.reason).to_owned(),
            id(&one.by_unit),
            one.stands.to_string(),
        ]);
    }
    table.text()
}

fn void_table(voids: &[VoidView], lang: Lang) -> String {
    if voids.is_empty() {
        return text::rights::nothing_void().in_lang(lang).to_owned() + "\n";
    }
    let words = text::rights::Words::of(lang);
    let mut table = Table::new([
        (words.change, Align::Left),
        (words.reports, Align::Left),
        (words.by, Align::Left),
        (words.what, Align::Left),
        (words.why, Align::Left),
        (words.answer, Align::Left),
    ]);
    for void in voids {
        let report = &void.report;
        let office = void.author_office.as_ref();
        let by = void.author_unit.as_ref().map(ToString::to_string);
        let by = by.or(void.author.map(|node| node.short()));
        let office = office
            .map(|office| format!(" {office}"))
            .unwrap_or_default();
        let answer = void.answer.as_deref();
        table.row([
            name(&void.change.to_string()),
            format!(
                "{}\n{} {}",
                show::unit(&report.unit_name, &report.unit),
                report.form,
                show::period(report)
            ),
            format!(
                "{}{office}\n{}",
                by.unwrap_or_default(),
                show::time(void.at, lang)
            ),
            void.what.join(", "),
            text::rights::void_why(lang, &void.why).to_owned(),
            answer.map_or(String::new(), |answer| {
                text::rights::answer(lang, answer).to_owned()
            }),
        ]);
    }
    table.text()
}

fn parked_table(parked: &[ParkedView], lang: Lang) -> String {
    if parked.is_empty() {
        return text::rights::nothing_parked().in_lang(lang).to_owned() + "\n";
    }
    let words = text::rights::Words::of(lang);
    let mut table = Table::new([
        (words.parked, Align::Left),
        (words.reports, Align::Left),
        (words.by, Align::Left),
        (words.why, Align::Left),
    ]);
    for one in parked {
        let report = one.report.as_ref().map(|report| {
            let unit = show::unit(&report.unit_name, &report.unit);
            format!("{unit}\n{} {}", report.form, report.period)
        });
        let by = one.from_unit.as_ref().map(ToString::to_string);
        let waits_for = one.waits_for.iter().map(|full| name(full));
        table.row([
            name(&one.name.to_string()),
            report.unwrap_or_default(),
            format!(
                "{}\n{}",
                by.unwrap_or_else(|| one.from.short()),
                show::time(one.at, lang)
            ),
            format!(
                "{} {}",
                text::rights::parked_why(lang, &one.why),
                waits_for.collect::<Vec<_>>().join(", ")
            ),
        ]);
    }
    table.text()
}

fn name(full: &str) -> String {
    full.chars().take(NAME_CHARS).collect()
}
