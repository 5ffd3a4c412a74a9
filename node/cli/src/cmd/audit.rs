//! `audit` and `verify`: who set what and on whose right, who read what is private, what was refused.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use hopluu_api::shape::{AuditQuery, DossierRequest};
use hopluu_engine::view::{
    AuditThing, AuditView, AuditWrite, DossierView, PublishedView, ReadView, ReadsQuery,
    RefusedView, ReportRef, RightView, Selector, Signatory, WroteView,
};
use hopluu_engine::{fingerprint, verify as judge};
use hopluu_form::Lang;
use hopluu_model::{ChangeHash, CompartmentId, Digest};
use hopluu_trust::read_certificate;
use serde::Serialize;

use super::bundle::write_whole;
use crate::args::{AuditCommand, AuditReportArgs, VerifyArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::{CERTIFICATE_FILE_BYTES_MAX, DOSSIER_FILE_BYTES_MAX};
use crate::table::{Align, Table};
use crate::text::audit::Words;
use crate::{show, text};

/// How much of a name is shown: enough to type it again.
const NAME_CHARS: usize = 12;

/// Columns of a value, so that what is said of it stays in sight.
const VALUE_COLUMNS: usize = 40;

pub(super) async fn run(command: AuditCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        AuditCommand::Report(args) => return report(args, context).await,
        AuditCommand::Reads(args) => {
            let query = ReadsQuery {
                since: args.since,
                unit: args.unit,
            };
            let reads = context
                .ask(async |client| client.audit_reads(&query).await)
                .await?;
            context.answer(&reads, |reads| read_table(reads, context.lang))?;
        }
        AuditCommand::Published => {
            let published = context
                .ask(async |client| client.audit_published().await)
                .await?;
            context.answer(&published, |published| {
                published_table(published, context.lang)
            })?;
        }
        AuditCommand::Refused => {
            let refused = context
                .ask(async |client| client.audit_refused().await)
                .await?;
            context.answer(&refused, |refused| refused_table(refused, context.lang))?;
        }
    }
    Ok(Exit::Done)
}

async fn report(args: AuditReportArgs, context: &Context) -> Result<Exit, Failure> {
    let selector = args.report.selector();
    if let Some(file) = args.export {
        return export(selector, args.compartment, file, context).await;
    }
    let query = AuditQuery {
        unit: selector.unit,
        form: selector.form,
        period: selector.period,
        instance: selector.instance,
        name: args.name,
    };
    let audit = context
        .ask(async |client| client.audit_report(&query).await)
        .await?;
    context.answer(&audit, |audit| audit_page(audit, context))?;
    Ok(Exit::Done)
}

/// What became of a report that was to be exported.
#[derive(Debug, Serialize)]
struct Exported {
    file: PathBuf,
    bytes: usize,
    report: ReportRef,
}

async fn export(
    report: Selector,
    compartment: Option<CompartmentId>,
    file: PathBuf,
    context: &Context,
) -> Result<Exit, Failure> {
    if file.symlink_metadata().is_ok() {
        return Err(text::audit::exists(&file));
    }
    let request = DossierRequest {
        report,
        compartment,
    };
    let made = context
        .ask(async |client| client.audit_dossier(&request).await)
        .await?;
    let bytes = BASE64.decode(made.content.as_bytes());
    let bytes = bytes.map_err(|_| text::audit::not_understood())?;
    write_whole(&file, &bytes)?;
    let exported = Exported {
        file,
        bytes: bytes.len(),
        report: made.report,
    };
    context.answer(&exported, |exported| {
        let words = text::audit::exported(&exported.file, exported.bytes);
        words.in_lang(context.lang).to_owned()
    })?;
    Ok(Exit::Done)
}

/// What `verify` answers.
#[derive(Debug, Serialize)]
struct Verified {
    #[serde(flatten)]
    dossier: DossierView,
    /// Whether the root was given, and is not the one that the file names itself.
    is_root_given: bool,
}

/// Judges a file from the root alone. No node's folder is looked at.
pub(super) fn verify(args: &VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let root = args.root.as_deref().map(root_of).transpose()?;
    let bytes = read(&args.file, DOSSIER_FILE_BYTES_MAX)?;
    let dossier = judge(&bytes, root.as_ref());
    let verified = Verified {
        dossier: dossier.map_err(|flaw| text::audit::flaw(&args.file, &flaw))?,
        is_root_given: root.is_some(),
    };
    context.answer(&verified, |verified| verified_page(verified, context))?;
    Ok(
        if verified.is_root_given && verified.dossier.more.is_empty() {
            Exit::Done
        } else {
            Exit::Findings
        },
    )
}

/// A fingerprint, or that of the certificate in a file.
fn root_of(typed: &str) -> Result<Digest, Failure> {
    if let Ok(root) = typed.parse() {
        return Ok(root);
    }
    let path = Path::new(typed);
    if path.symlink_metadata().is_err() {
        return Err(text::audit::no_root(typed));
    }
    let bytes = read(path, CERTIFICATE_FILE_BYTES_MAX)?;
    let der = match std::str::from_utf8(&bytes) {
        Ok(pem) if pem.contains("-----BEGIN") => {
            let inner = pem.lines().filter(|line| !line.starts_with("-----"));
            let inner: String = inner.map(str::trim).collect();
            let der = BASE64.decode(inner.as_bytes());
            der.map_err(|_| text::audit::no_root(typed))?
        }
        _ => bytes,
    };
    match read_certificate(&der) {
        Ok(_) => Ok(fingerprint(&der)),
        Err(_no_certificate) => Err(text::audit::no_root(typed)),
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| text::fail::file(path, &error))?;
    let mut bytes = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
    read.map_err(|error| text::fail::file(path, &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(text::fail::too_large(path, bytes_max));
    }
    Ok(bytes)
}

fn verified_page(verified: &Verified, context: &Context) -> String {
    let (dossier, lang) = (&verified.dossier, context.lang);
    let by = signatory(&dossier.by);
    let mut page = text::audit::holds(&dossier.root, &by, &show::time(dossier.at, lang), lang);
    if !verified.is_root_given {
        page.push_str(text::audit::compare_root(lang));
        page.push('\n');
    }
    for more in &dossier.more {
        let unit = show::unit(&more.unit_name, &more.unit);
        page.push_str(&text::audit::more(&unit, &show::time(more.at, lang), lang));
        page.push('\n');
    }
    page.push('\n');
    page.push_str(&audit_page(&dossier.audit, context));
    page
}

fn audit_page(audit: &AuditView, context: &Context) -> String {
    let (report, lang) = (&audit.report, context.lang);
    let head = format!(
        "{}\n{} {}, {}\n\n",
        show::unit(&report.unit_name, &report.unit),
        report.form,
        audit.form_version,
        show::period(report)
    );
    if audit.things.is_empty() {
        return head + text::audit::nothing_written().in_lang(lang) + "\n";
    }
    let words = Words::of(lang);
    let mut table = Table::new([
        (words.what, Align::Left),
        (words.value, Align::Left),
        (words.state, Align::Left),
        (words.by, Align::Left),
        (words.right, Align::Left),
        (words.known, Align::Left),
    ]);
    for thing in &audit.things {
        for (number, write) in thing.writes.iter().rev().enumerate() {
            let what = if number == 0 {
                named(thing, lang)
            } else {
                String::new()
            };
            table.row([
                what,
                value(&write.wrote, context),
                state(write, lang),
                format!(
                    "{}\n{}",
                    signatory(&write.author),
                    show::time(write.at, lang)
                ),
                right(write.right.as_ref(), words),
                known(write, words, lang),
            ]);
        }
    }
    head + &table.text()
}

fn named(thing: &AuditThing, lang: Lang) -> String {
    match thing.kind.as_str() {
        "file" => format!("{} {}", text::audit::kind(lang, "file"), cut(&thing.name)),
        "step" => text::step_of(lang, &thing.name).to_owned(),
        kind => format!("{} {}", text::audit::kind(lang, kind), thing.name),
    }
}

fn value(wrote: &WroteView, context: &Context) -> String {
    let lang = context.lang;
    let value = match wrote {
        WroteView::Figure { value, .. } => show::value(value, context.style()),
        WroteView::Note { text, .. } => text.clone(),
        WroteView::Text {
            inserted, deleted, ..
        } => text::letters(*inserted, *deleted).in_lang(lang).to_owned(),
        WroteView::Attached { name, .. } => format!("{} {name}", text::attachment::attached(lang)),
        WroteView::Detached { name, .. } => format!("{} {name}", text::attachment::detached(lang)),
        WroteView::Step { reason, .. } => reason.clone().unwrap_or_default(),
    };
    crate::table::cut(&value, VALUE_COLUMNS)
}

/// What became of it: stands, written over, or void and why and what was decided.
fn state(write: &AuditWrite, lang: Lang) -> String {
    let words = Words::of(lang);
    if let Some(why) = &write.void {
        let mut state = format!("{}: {}", words.void, text::rights::void_why(lang, why));
        if let Some(answer) = &write.answer {
            let said = text::rights::answer(lang, &answer.answer);
            state.push_str(&format!("\n{said}: {}", signatory(&answer.by)));
        }
        return state;
    }
    match &write.superseded_by {
        Some(by) => format!("{} {}", words.superseded, change(by)),
        None => format!("{}\n{}", words.stands, change(&write.change)),
    }
}

fn signatory(of: &Signatory) -> String {
    let node = of.node.map(|node| node.short()).unwrap_or_default();
    let unit = of.unit_name.as_deref().zip(of.unit.as_ref());
    let mut words = unit.map_or(node, |(name, unit)| show::unit(name, unit));
    let office = of.office.as_ref().map(ToString::to_string);
    for part in [office, of.account.clone()].into_iter().flatten() {
        words.push_str(", ");
        words.push_str(&part);
    }
    words
}

fn right(right: Option<&RightView>, words: &Words) -> String {
    let Some(right) = right else {
        return words.no_right.to_owned();
    };
    let kind = match (&right.grant, &right.by) {
        (Some(grant), _) => format!("{} {}", words.grant, cut(&grant.to_string())),
        (None, Some(_)) => words.certificate.to_owned(),
        (None, None) => words.root.to_owned(),
    };
    let by = right.by.as_ref().map(signatory).unwrap_or_default();
    let day = |day: Option<hopluu_model::Date>| day.map_or_else(String::new, |day| day.to_string());
    match (right.since, right.until) {
        (None, None) => format!("{kind}\n{by}"),
        (since, until) => format!("{kind}\n{by}\n{}–{}", day(since), day(until)),
    }
}

/// What proves that it was there, and how it came here.
fn known(write: &AuditWrite, words: &Words, lang: Lang) -> String {
    let mut lines = Vec::new();
    if let Some(received) = &write.received {
        let unit = show::unit(&received.unit_name, &received.unit);
        lines.push(format!(
            "{} {unit}, {}",
            words.received,
            show::time(received.at, lang)
        ));
    }
    if let Some(brought) = &write.brought {
        let by = brought.by.as_ref();
        let by = by.map_or_else(
            || words.written_here.to_owned(),
            |by| format!("{} {}", words.brought, signatory(by)),
        );
        let at = brought.at.map(|at| format!(", {}", show::time(at, lang)));
        lines.push(by + &at.unwrap_or_default());
    }
    lines.join("\n")
}

fn read_table(reads: &[ReadView], lang: Lang) -> String {
    if reads.is_empty() {
        return text::audit::nothing_read().in_lang(lang).to_owned() + "\n";
    }
    let words = Words::of(lang);
    let mut table = Table::new([
        (words.day, Align::Left),
        (words.who, Align::Left),
        (words.what, Align::Left),
        (words.report, Align::Left),
        (words.last, Align::Left),
        (words.count, Align::Right),
    ]);
    for read in reads {
        let unit = read.unit_name.as_deref().zip(read.unit.as_ref());
        let unit = unit.map_or_else(
            || words.several.to_owned(),
            |(name, id)| show::unit(name, id),
        );
        table.row([
            read.day.to_string(),
            read.who.clone(),
            text::audit::how(lang, &read.how).to_owned(),
            format!("{unit}\n{} {}", read.form, read.period),
            show::time(read.last, lang),
            read.count.to_string(),
        ]);
    }
    table.text()
}

fn refused_table(refused: &[RefusedView], lang: Lang) -> String {
    if refused.is_empty() {
        return text::audit::nothing_refused().in_lang(lang).to_owned() + "\n";
    }
    let words = Words::of(lang);
    let mut table = Table::new([
        (words.what, Align::Left),
        (words.of, Align::Left),
        (words.why, Align::Left),
        (words.first, Align::Left),
        (words.last, Align::Left),
        (words.count, Align::Right),
    ]);
    for one in refused {
        table.row([
            text::audit::refused_kind(lang, &one.kind).to_owned(),
            signatory(&one.of),
            text::audit::refused_why(lang, &one.reason),
            show::time(one.first, lang),
            show::time(one.last, lang),
            one.count.to_string(),
        ]);
    }
    table.text()
}

fn published_table(published: &[PublishedView], lang: Lang) -> String {
    if published.is_empty() {
        return text::export::nothing_published().in_lang(lang).to_owned() + "\n";
    }
    let words = Words::of(lang);
    let mut table = Table::new([
        (words.report, Align::Left),
        (words.who, Align::Left),
        (words.last, Align::Left),
        (words.count, Align::Right),
        (text::digest(lang), Align::Left),
    ]);
    for one in published {
        let unit = show::unit(&one.unit_name, &one.unit);
        table.row([
            format!("{unit}\n{} {}", one.form, one.period),
            one.who.clone(),
            show::time(one.last, lang),
            one.count.to_string(),
            format!(
                "{}\n{}",
                cut(&one.publication.to_string()),
                cut(&one.total.to_string())
            ),
        ]);
    }
    table.text()
}

fn change(hash: &ChangeHash) -> String {
    cut(&hash.to_string())
}

fn cut(full: &str) -> String {
    full.chars().take(NAME_CHARS).collect()
}
