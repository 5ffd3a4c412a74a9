//! `doctor`: looks a folder over while no node works in it, and repairs its database if asked to.

use hopluu_engine::{Ailment, CheckUp, Diagnosis, doctor, now};
use hopluu_form::Lang;
use hopluu_model::DocId;
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{secret, text};

/// What was found, as JSON.
#[derive(Debug, Serialize)]
struct CheckUpJson<'a> {
    encrypted: bool,
    findings: Vec<FindingJson>,
    repaired: &'a Option<hopluu_engine::Repaired>,
}

#[derive(Debug, Serialize)]
struct FindingJson {
    code: &'static str,
    ailment: Ailment,
    doc: Option<DocId>,
    detail: String,
    message: hopluu_api::text::Both,
    cure: hopluu_api::text::Both,
}

pub(super) async fn run(args: &DoctorArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    if hopluu_api::is_served(dir).await {
        return Err(text::fail::still_running());
    }
    let secret = secret::of_home(dir, context)?;
    let found = doctor(dir, args.repair, secret.as_ref(), now())?;
    let json = CheckUpJson {
        encrypted: found.is_encrypted,
        findings: found.findings.iter().map(finding).collect(),
        repaired: &found.repaired,
    };
    context.answer(&json, |json| page(json, &found, context.lang))?;
    Ok(if found.findings.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn finding(found: &Diagnosis) -> FindingJson {
    let (message, cure) = text::ailment(found.ailment);
    FindingJson {
        code: found.ailment.code(),
        ailment: found.ailment,
        doc: found.doc,
        detail: text::found::detail(found).en,
        message,
        cure,
    }
}

fn page(json: &CheckUpJson<'_>, found: &CheckUp, lang: Lang) -> String {
    let mut page = format!("{}\n", text::secret::is_encrypted(json.encrypted, lang));
    if json.findings.is_empty() {
        page.push_str(text::healthy().in_lang(lang));
        page.push('\n');
    }
    for (one, found) in json.findings.iter().zip(&found.findings) {
        let detail = text::found::detail(found);
        let detail = detail.in_lang(lang);
        let doc = one
            .doc
            .map(|doc| format!(" {}", doc.short()))
            .unwrap_or_default();
        let message = one.message.in_lang(lang);
        page.push_str(&format!("{}{doc}: {message} ({detail})\n", one.code));
        page.push_str(&format!(
            "  {}: {}\n",
            text::cure(lang),
            one.cure.in_lang(lang)
        ));
    }
    if let Some(repaired) = &found.repaired {
        page.push_str(text::repaired(repaired).in_lang(lang));
        page.push('\n');
    }
    page
}
