//! A node is killed while it writes, and comes back with everything that it had confirmed.

use std::collections::BTreeSet;
use std::io::Cursor;

use hopluu_engine::view::{EditRequest, SaveRequest};
use hopluu_model::ChangeHash;
use rustix::process::Signal;

use super::super::annex::{count, figure};
use super::super::cast::KILLED;
use super::super::limits::{KILL_AFTER_SAVES, REWRITES};
use super::super::process::send;
use super::super::stage::Stage;
use super::super::words::{self, Broken, told};
use super::super::world::Who;
use super::totals::claim_totals;

const VICTIM: Who = Who::Commune(KILLED);

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::kill()).await;
    let confirmed = import_until_killed(stage).await?;
    stage.world.start(&[VICTIM]).await?;
    let client = stage.world.client(VICTIM).await?;
    let history = client.report_history(&stage.selector(KILLED)).await;
    let history = history.map_err(|error| words::asked(&error))?;
    let there: BTreeSet<ChangeHash> = history.iter().map(|row| row.change).collect();
    let is_all_there = confirmed.iter().all(|change| there.contains(change));
    stage.claim(
        is_all_there,
        told::nothing_lost(confirmed.len(), there.len()),
    );
    stage.enter(VICTIM, &stage.entries(KILLED)).await?;
    stage.reported.push(KILLED);
    claim_totals(stage).await?;
    let own = stage
        .report(VICTIM, KILLED)
        .await?
        .map(|report| report.heads);
    let above = stage
        .report(Who::District, KILLED)
        .await?
        .map(|report| report.heads);
    stage.claim(own.is_some() && own == above, told::killed_goes_on());
    Ok(())
}

/// Sends many saves, one figure each, and kills the node when some of them are confirmed. Answers the
/// changes that were confirmed until then.
async fn import_until_killed(stage: &mut Stage<'_>) -> Result<Vec<ChangeHash>, Broken> {
    let saves = saves(stage);
    let lines: String = saves
        .iter()
        .map(|save| serde_json::to_string(save).expect("a save is plain JSON") + "\n")
        .collect();
    let pid = stage.world.process_id(VICTIM);
    let client = stage.world.client(VICTIM).await?;
    let mut confirmed = Vec::new();
    let mut refused = 0;
    let imported = client
        .import(&mut Cursor::new(lines.into_bytes()), |answer| {
            let saved = answer.saved.as_ref();
            confirmed.extend(saved.and_then(|saved| saved.change));
            refused += u32::from(saved.is_none());
            if confirmed.len() == KILL_AFTER_SAVES {
                send(pid, Signal::KILL);
            }
        })
        .await;
    let ended = stage.world.gone(VICTIM).await;
    let is_midway = imported.is_err() && confirmed.len() < saves.len() && refused == 0;
    let is_killed = ended.is_some_and(|ended| ended.is_killed);
    let name = stage.world.cast.name(KILLED).to_owned();
    let what = told::killed(&name, pid.unwrap_or(0), confirmed.len(), saves.len());
    stage.claim(is_midway && is_killed, what);
    Ok(confirmed)
}

/// Every count of the report over and over, another one each time.
fn saves(stage: &Stage<'_>) -> Vec<SaveRequest> {
    let mut saves = Vec::new();
    for again in (1..=REWRITES).rev() {
        for entry in stage.entries(KILLED) {
            let Some(value) = count(&entry.value) else {
                continue;
            };
            saves.push(SaveRequest {
                report: stage.selector(KILLED),
                office: None,
                edits: vec![EditRequest::Set {
                    code: entry.code.to_string(),
                    office: entry.part.map(|office| office.to_string()),
                    value: figure(value + again).to_string(),
                }],
                create: true,
            });
        }
    }
    saves
}
