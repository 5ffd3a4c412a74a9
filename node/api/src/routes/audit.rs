//! Who set what and on whose right, who was shown what is private, and what was refused.

use axum::Json;
use axum::extract::ConnectInfo;
use data_encoding::BASE64;
use hopluu_engine::Shown;
use hopluu_engine::view::{
    AuditView, ReadView, ReadsQuery, RefusedView, ReportRef, VoidView, WroteView,
};
use hopluu_model::{FormId, IndicatorCode, Period, UnitId};

use super::{Answer, Api, soon, within};
use crate::asker::Asker;
use crate::extract::{Asked, Given};
use crate::limits::{LONG_REQUEST_TIME_MAX, REQUEST_TIME_MAX};
use crate::problem::ApiError;
use crate::shape::{AuditQuery, DossierFile, DossierRequest};

/// What of a form's figures is about to be shown, to whom.
pub(super) struct Showing<'a> {
    pub(super) to: &'a Asker,
    pub(super) how: &'static str,
}

impl Showing<'_> {
    /// Figures of one report, before they are shown.
    pub(super) async fn of_report(
        &self,
        api: &Api,
        report: &ReportRef,
        codes: Option<Vec<IndicatorCode>>,
    ) -> Result<(), ApiError> {
        let form = Some(report.form.clone());
        let (unit, period) = (Some(report.unit.clone()), Some(report.period.clone()));
        self.note(api, (unit, form, period), codes).await
    }

    /// Figures of whatever is named.
    pub(super) async fn note(
        &self,
        api: &Api,
        (unit, form, period): (Option<UnitId>, Option<FormId>, Option<Period>),
        codes: Option<Vec<IndicatorCode>>,
    ) -> Result<(), ApiError> {
        let shown = Shown {
            who: self.to.0.clone(),
            how: self.how,
            unit,
            form,
            period,
            codes,
        };
        within(REQUEST_TIME_MAX, api.handle.note_shown(shown)).await
    }

    /// What is void in several reports.
    pub(super) async fn of_voids(&self, api: &Api, voids: &[VoidView]) -> Result<(), ApiError> {
        for void in voids {
            let codes = codes_of(&void.wrote);
            self.of_report(api, &void.report, Some(codes)).await?;
        }
        Ok(())
    }
}

/// The lines whose figures or notes a save has written.
pub(super) fn codes_of(wrote: &[WroteView]) -> Vec<IndicatorCode> {
    let codes = wrote.iter().filter_map(|wrote| match wrote {
        WroteView::Figure { code, .. } | WroteView::Note { code, .. } => Some(code.clone()),
        _ => None,
    });
    codes.collect()
}

pub(super) async fn report(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Asked(query): Asked<AuditQuery>,
) -> Answer<AuditView> {
    let asked = api.handle.audit(query.report(), query.name);
    let view = within(LONG_REQUEST_TIME_MAX, asked).await?;
    let writes = view.things.iter().flat_map(|thing| &thing.writes);
    let codes = writes.flat_map(|write| codes_of(std::slice::from_ref(&write.wrote)));
    let showing = Showing {
        to: &to,
        how: "audit",
    };
    let codes = Some(codes.collect());
    showing.of_report(&api, &view.report, codes).await?;
    Ok(Json(view))
}

pub(super) async fn dossier(
    api: Api,
    ConnectInfo(to): ConnectInfo<Asker>,
    Given(request): Given<DossierRequest>,
) -> Answer<DossierFile> {
    let showing = Showing {
        to: &to,
        how: "dossier",
    };
    let DossierRequest {
        report,
        compartment,
    } = request;
    // What is in the file is told by the same question.
    let view = within(
        LONG_REQUEST_TIME_MAX,
        api.handle.audit(report.clone(), None),
    )
    .await?;
    showing.of_report(&api, &view.report, None).await?;
    let bytes = within(
        LONG_REQUEST_TIME_MAX,
        api.handle.dossier(report, compartment),
    )
    .await?;
    Ok(Json(DossierFile {
        report: view.report,
        content: BASE64.encode(&bytes),
    }))
}

pub(super) async fn reads(api: Api, Asked(query): Asked<ReadsQuery>) -> Answer<Vec<ReadView>> {
    soon(api.handle.audit_reads(query)).await
}

pub(super) async fn refused(api: Api) -> Answer<Vec<RefusedView>> {
    soon(api.handle.audit_refused()).await
}
