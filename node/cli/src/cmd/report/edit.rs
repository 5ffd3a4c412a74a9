//! What changes a report: every command is one save, and one save is one change.

use hopluu_api::Client;
use hopluu_api::shape::{NewRequest, UndoRequest};
use hopluu_engine::view::{EditRequest, SaveRequest, Saved};

use super::figures::{key, set_twice, table, typed};
use crate::args::{
    ClearArgs, DetachArgs, Like, NewArgs, NoteArgs, SetArgs, SettleArgs, TextArgs, UndoArgs,
    WithdrawArgs,
};
use crate::cmd::input::read_given;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::INPUT_BYTES_MAX;
use crate::{show, text as words};

pub(super) async fn new(args: &NewArgs, context: &Context) -> Result<Exit, Failure> {
    let request = NewRequest {
        report: args.report.selector(),
        office: args.office.office.clone(),
        like_last: args.like == Some(Like::Last),
    };
    let saved = context
        .ask(async |client| client.report_new(&request).await)
        .await?;
    answer(&saved, context)
}

pub(super) async fn set(args: SetArgs, context: &Context) -> Result<Exit, Failure> {
    let mut edits = args
        .figures
        .iter()
        .map(|figure| typed(figure))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(path) = &args.csv {
        edits.extend(table(&read_given(path, INPUT_BYTES_MAX)?)?);
    }
    if edits.is_empty() {
        return Err(words::fail::nothing_to_set());
    }
    if let Some(code) = set_twice(&edits) {
        return Err(words::fail::set_twice(code));
    }
    let report = args.report.selector();
    save(
        SaveRequest {
            report,
            office: args.office.office,
            edits,
            create: args.new,
        },
        context,
    )
    .await
}

pub(super) async fn clear(args: ClearArgs, context: &Context) -> Result<Exit, Failure> {
    let edits = if args.all {
        vec![EditRequest::ClearAll]
    } else {
        let empty = |figure: &String| {
            let (code, office) = key(figure);
            EditRequest::Set {
                code,
                office,
                value: "blank".to_owned(),
            }
        };
        args.figures.iter().map(empty).collect()
    };
    edit(&args.report, args.office.office, edits, context).await
}

pub(super) async fn text(args: TextArgs, context: &Context) -> Result<Exit, Failure> {
    let text = match (&args.file, args.text) {
        (Some(path), _) => read_given(path, INPUT_BYTES_MAX)?,
        (None, text) => text.unwrap_or_default(),
    };
    // The end of a file's last line is the file's, not the text's.
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    let edits = vec![EditRequest::Text {
        section: args.section,
        office: None,
        text,
    }];
    let report = args.report.selector();
    save(
        SaveRequest {
            report,
            office: args.office.office,
            edits,
            create: args.new,
        },
        context,
    )
    .await
}

pub(super) async fn note(args: NoteArgs, context: &Context) -> Result<Exit, Failure> {
    let (code, office) = key(&args.code);
    let edits = vec![EditRequest::Note {
        code,
        office,
        text: args.text,
    }];
    edit(&args.report, args.office.office, edits, context).await
}

pub(super) async fn settle(args: SettleArgs, context: &Context) -> Result<Exit, Failure> {
    let (code, office) = key(&args.code);
    let edits = vec![EditRequest::Settle {
        code,
        office,
        value: args.value,
    }];
    edit(&args.report, args.office.office, edits, context).await
}

pub(super) async fn withdraw(args: WithdrawArgs, context: &Context) -> Result<Exit, Failure> {
    let edits = vec![EditRequest::Withdraw {
        reason: args.reason,
    }];
    edit(&args.report, args.office.office, edits, context).await
}

pub(super) async fn detach(args: DetachArgs, context: &Context) -> Result<Exit, Failure> {
    let edits = vec![EditRequest::Detach {
        attachment: args.attachment,
    }];
    edit(&args.report, args.office.office, edits, context).await
}

pub(super) async fn undo(args: &UndoArgs, context: &Context) -> Result<Exit, Failure> {
    let request = UndoRequest {
        report: args.report.selector(),
        office: args.office.office.clone(),
    };
    let saved = context
        .ask(async |client| client.report_undo(&request).await)
        .await?;
    answer(&saved, context)
}

async fn edit(
    report: &crate::args::ReportArgs,
    office: Option<String>,
    edits: Vec<EditRequest>,
    context: &Context,
) -> Result<Exit, Failure> {
    save(
        SaveRequest {
            report: report.selector(),
            office,
            edits,
            create: false,
        },
        context,
    )
    .await
}

async fn save(request: SaveRequest, context: &Context) -> Result<Exit, Failure> {
    let saved = context
        .ask(async |client: &Client| client.report_save(&request).await)
        .await?;
    answer(&saved, context)
}

pub(super) fn answer(saved: &Saved, context: &Context) -> Result<Exit, Failure> {
    context.answer(saved, |saved| {
        let report = &saved.report;
        let done = words::saved(saved.change.is_some());
        let change = saved
            .change
            .map(|change| format!(" {}", change.short()))
            .unwrap_or_default();
        let unit = show::unit(&report.unit_name, &report.unit);
        let done = done.in_lang(context.lang);
        let period = show::period(report);
        let mut page = format!("{done}{change}: {} {period} {unit}", report.form);
        if report.instance > 0 {
            page.push_str(&format!("\n{}", words::further(context.lang)));
        }
        let values = |values: &[String]| {
            let values = values.iter().map(|one| show::value(one, context.style()));
            values.collect::<Vec<_>>().join(" ≠ ")
        };
        for one in &saved.settled {
            let key = show::figure_key(&one.code, one.office.as_ref());
            let value = show::value(&one.value, context.style());
            let told = words::settled(&key, &value, &values(&one.instead_of));
            page.push_str(&format!("\n{}", told.in_lang(context.lang)));
        }
        for one in &saved.left_out {
            let key = show::figure_key(&one.code, one.office.as_ref());
            let told = words::left_out(&key, &values(&one.values));
            page.push_str(&format!("\n{}", told.in_lang(context.lang)));
        }
        page
    })?;
    if let Some(why) = saved.revoked.as_ref().filter(|_| !context.is_json) {
        context.note(&words::rights::may_not_count(&|lang| {
            words::rights::revoked_why(lang, why)
        }));
    }
    Ok(Exit::Done)
}
