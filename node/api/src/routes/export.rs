//! Reports as saves: what comes out goes in again by `import` and gives the same content.

use axum::extract::ConnectInfo;
use axum::http::HeaderValue;
use axum::response::Response;
use hopluu_engine::view::{EditRequest, ReportRef, ReportRow, ReportView, SaveRequest, Selector};
use hopluu_model::Step;

use super::audit::Showing;
use super::{Api, filter, within};
use crate::asker::Asker;
use crate::extract::Asked;
use crate::limits::REQUEST_TIME_MAX;
use crate::problem::ApiError;
use crate::server::ended;
use crate::shape::{ReportQuery, Unsettled, UnsettledLine, WITHDRAWN_HEADER};
use crate::stream::{Pieces, ndjson};

/// One line a report with figures, notes and texts, then one for each of its unsettled figures. A
/// report that is withdrawn has none, for whoever brings it in would count it again. The list is made
/// before the first byte leaves, so that a wrong filter is refused as such; a report that cannot be
/// read ends the stream with the refusal as its last line.
pub(super) async fn export(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(query): Asked<ReportQuery>,
) -> Result<Response, ApiError> {
    let rows = within(REQUEST_TIME_MAX, api.handle.report_list(filter(query))).await?;
    note(&api, &to, &rows).await?;
    let (withdrawn, rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| is_withdrawn(&row.state));
    let reports: Vec<Selector> = rows.iter().map(|row| selector(&row.report)).collect();
    let mut answer = ndjson(move |pieces| async move {
        let stopped = ended(api.stopped.clone());
        // Stopping is a state, and an export that is cut is an export to be made again.
        tokio::select! {
            () = stopped => {}
            () = run(&api, reports, pieces) => {}
        }
    });
    let headers = answer.headers_mut();
    headers.insert(WITHDRAWN_HEADER, HeaderValue::from(withdrawn.len()));
    Ok(answer)
}

/// Notes the export once, whatever it holds: of one report whose it is, of more what they have in common.
async fn note(api: &Api, to: &Asker, rows: &[ReportRow]) -> Result<(), ApiError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let all = || rows.iter().map(|row| &row.report);
    let first = &first.report;
    let unit = all().all(|report| report.unit == first.unit);
    let form = all().all(|report| report.form == first.form);
    let period = all().all(|report| report.period == first.period);
    let of = (
        unit.then(|| first.unit.clone()),
        form.then(|| first.form.clone()),
        period.then(|| first.period.clone()),
    );
    let how = "export";
    Showing { to, how }.note(api, of, None).await
}

fn is_withdrawn(state: &str) -> bool {
    state == Step::Withdrawn.as_str()
}

async fn run(api: &Api, reports: Vec<Selector>, mut pieces: Pieces) {
    for report in reports {
        let view = match within(REQUEST_TIME_MAX, api.handle.report_show(report)).await {
            Ok(view) => view,
            Err(error) => {
                pieces.line(&error.problem()).await;
                return;
            }
        };
        if is_withdrawn(&view.state) {
            continue; // since the list was made
        }
        let (save, unsettled) = lines(view);
        if !pieces.line(&save).await {
            return;
        }
        for line in unsettled {
            if !pieces.line(&line).await {
                return;
            }
        }
    }
}

fn selector(report: &ReportRef) -> Selector {
    Selector {
        unit: Some(report.unit.to_string()),
        form: report.form.to_string(),
        period: report.period.to_string(),
        instance: report.instance,
    }
}

/// A canonical value as a person would type it. They differ in one case: typed, `1.234` is a thousand.
fn typed(value: &str) -> String {
    match value.split_once('.') {
        Some((whole, fraction)) if fraction.len() == 3 => format!("{whole},{fraction}"),
        _ => value.to_owned(),
    }
}

/// The save that makes this report, and the figures that no save can carry.
fn lines(view: ReportView) -> (SaveRequest, Vec<UnsettledLine>) {
    let report = selector(&view.report);
    let mut edits = Vec::new();
    let mut unsettled = Vec::new();
    for figure in view.figures {
        let code = figure.code.to_string();
        let office = figure.office.as_ref().map(ToString::to_string);
        match figure.value {
            Some(value) => {
                let (code, office) = (code.clone(), office.clone());
                edits.push(EditRequest::Set {
                    code,
                    office,
                    value: typed(&value),
                });
            }
            None if figure.candidates.len() > 1 => unsettled.push(UnsettledLine {
                unsettled: Unsettled {
                    report: report.clone(),
                    code: figure.code,
                    office: figure.office,
                    values: figure.candidates.into_iter().map(|one| one.value).collect(),
                },
            }),
            None => {}
        }
        if let Some(text) = figure.note {
            edits.push(EditRequest::Note { code, office, text });
        }
    }
    edits.extend(view.texts.into_iter().map(|text| EditRequest::Text {
        section: text.section.to_string(),
        office: Some(text.office.to_string()),
        text: text.text,
    }));
    (
        SaveRequest {
            report,
            office: None,
            edits,
            create: true,
        },
        unsettled,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_exported_as_it_is_typed() {
        for (canonical, expected) in [
            ("1500", "1500"),
            ("90.5", "90.5"),
            ("1.234", "1,234"),
            ("~>1.234", "~>1,234"),
            ("19/21", "19/21"),
        ] {
            assert_eq!(typed(canonical), expected);
        }
    }
}
