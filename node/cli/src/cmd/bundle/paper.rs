//! One report on paper: at most two codes, as pictures and on a page to print.

use std::path::Path;

use hopluu_api::{Client, ClientError, ExportedPart};
use hopluu_engine::{BundleError, BundleRequest};
use qrcode::EcLevel;

use super::codes::{CODES_MAX, Code, LADDER, page};
use super::files::{Target, write_whole};
use super::{Written, request, tell};
use crate::args::BundleExportArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::text;

pub(super) async fn export(
    args: &BundleExportArgs,
    dir: &Path,
    context: &Context,
) -> Result<Exit, Failure> {
    std::fs::create_dir_all(dir).map_err(|error| text::fail::file(dir, &error))?;
    let client = context.client().await?;
    let made = fitting(&client, request(args)).await;
    client.close().await;
    let (parts, level) = made?;
    let target = Target::of(Some(dir), false);
    let mut written = Vec::new();
    // The parts of one receiver follow each other; each has a page of its own.
    let sets = parts.chunk_by(|a, b| a.bundle.set == b.bundle.set);
    for set in sets {
        let codes = set.iter().map(|part| {
            let code = Code::of(&part.bytes, level).ok_or_else(text::bundle::no_room_on_paper)?;
            Ok((part.bundle.clone(), code))
        });
        let codes = codes.collect::<Result<Vec<_>, Failure>>()?;
        let sheet = set.first().map(|part| target.beside(&part.bundle, "html"));
        for (part, (bundle, code)) in set.iter().zip(&codes) {
            let file = target.beside(bundle, "png");
            write_whole(&file, &code.png())?;
            written.push(Written {
                file: file.display().to_string(),
                page: sheet.as_ref().map(|sheet| sheet.display().to_string()),
                entries: part.entries,
                pieces: part.pieces,
                bundle: bundle.clone(),
            });
        }
        if let Some(sheet) = sheet {
            let report = args.report.as_deref().unwrap_or_default().join(" ");
            let page = page(&codes, &report, context.lang);
            write_whole(&sheet, page.as_bytes())?;
        }
    }
    tell(&written, context)?;
    if !context.is_json {
        for sheet in written.iter().filter_map(|one| one.page.as_deref()) {
            context.note(&text::bundle::print(sheet));
        }
    }
    Ok(Exit::Done)
}

/// The parts as they fit into the most readable codes that are enough: what the receiver lacks of the
/// report, or where that is too much its figures and notes alone, said anew.
async fn fitting(
    client: &Client,
    mut request: BundleRequest,
) -> Result<(Vec<ExportedPart>, EcLevel), Failure> {
    request.parts_max = Some(CODES_MAX);
    for (bytes, level) in LADDER {
        request.size_max = Some(bytes);
        match all(client, &request).await {
            Ok(parts) => return Ok((parts, level)),
            Err(ClientError::Refused(problem)) if is_too_much(&problem.code) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Too many saves: what they come to fits.
    request.anew = true;
    match all(client, &request).await {
        Ok(parts) => {
            let fits =
                |step: &&(u64, EcLevel)| parts.iter().all(|part| part.bundle.bytes <= step.0);
            let step = LADDER.iter().find(fits);
            let (_, level) = step.ok_or_else(text::bundle::no_room_on_paper)?;
            Ok((parts, *level))
        }
        Err(ClientError::Refused(problem)) if is_too_much(&problem.code) => {
            Err(text::bundle::no_room_on_paper())
        }
        Err(error) => Err(error.into()),
    }
}

fn is_too_much(code: &str) -> bool {
    let nothing = BundleError::PartTooSmall { given: 0, least: 0 };
    let many = BundleError::TooManyParts { parts: 0, most: 0 };
    [nothing.code(), many.code()].contains(&code)
}

async fn all(client: &Client, request: &BundleRequest) -> Result<Vec<ExportedPart>, ClientError> {
    let mut coming = client.bundle_export(request).await?;
    let mut parts = Vec::new();
    while let Some(part) = coming.next().await? {
        parts.push(part);
    }
    Ok(parts)
}
