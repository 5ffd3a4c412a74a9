//! Who stands between a commune and its superiors with a district's certificate, or carries a commune's stick: it
//! hears everything, and passes on what it likes.

use std::time::Instant;

use hopluu_api::ClientError;
use hopluu_api::text::Both;
use hopluu_model::Place;
use hopluu_rogue::frames::{CHANGE, RECEIPT, hello};
use hopluu_rogue::{Packet, Rogue, Talk, now, travelling};
use hopluu_trust::{Receipt, Signer};
use tokio::time::sleep;

use super::super::limits::{JOIN_EVERY, WAIT_MAX};
use super::super::process::Program;
use super::super::story::enrol::invite;
use super::super::words::{self as frame, Broken};
use super::super::world::Who;
use super::commune::offered;
use super::scene::{Attacker, Attempt, HONEST, Scene, Seen, WATCHED, answered, figure};
use super::setting::POLICE_LINE;
use super::words;

fn attempt(line: u8, tried: Both, stoppers: &'static [&'static str]) -> Attempt {
    Attempt {
        line,
        by: Attacker::Relay,
        tried,
        stoppers,
    }
}

pub(super) async fn play(scene: &mut Scene<'_, '_>, stolen: &Signer) -> Result<(), Broken> {
    scene.stage.step(&words::relay()).await;
    // While there is one node of the district, a stick is for that one.
    carries(scene).await?;
    let district = scene.unit(Who::District).to_string();
    let ticket = invite(scene.stage, Who::Province, &[&district]).await?;
    let rogue = Rogue::join(&ticket).await?;
    let to = scene.address(Who::Province).await?;
    let mut above = rogue.say(to, hello()).await?;
    passes_on_revoked(scene, &mut above, stolen).await?;
    let here = rogue.address()?.to_string();
    let called = rogue.answer(hello());
    let (started, below) = tokio::join!(scene.stage.world.calls_also(HONEST, &here), called);
    started?;
    let mut below = below?;
    let heard = below.pushed().await?;
    replays(scene, &mut above, &heard).await?;
    receives(scene, &mut below, &rogue).await?;
    drop((above, below));
    shares_a_ticket(scene).await?;
    scene.goes_on().await
}

/// What a revoked key signs after its revocation comes another way.
async fn passes_on_revoked(
    scene: &mut Scene<'_, '_>,
    above: &mut Talk,
    stolen: &Signer,
) -> Result<(), Broken> {
    let node = stolen.node_id();
    let known = scene.look(Who::Province, async |client| {
        let all = client.revocation_list().await?;
        Ok(all.into_iter().find(|one| one.node == Some(node)))
    });
    let known = known.await?.is_some();
    scene.control(None, known, &words::revocation_arrived());
    let late = scene.forger(HONEST)?.save(&[figure(POLICE_LINE, "99")?])?;
    let tried = attempt(2, words::revoked_key(), &["void/revoked"]);
    scene
        .attempt(tried, async |scene| {
            let body = late.sealed(stolen)?;
            match above.offer(late.object(), CHANGE, body).await? {
                None => scene.void(Who::Province, late.hash).await,
                said => Ok(answered(said)),
            }
        })
        .await
}

/// A commune's own seal, on what the commune has not written. Where it was, it is good.
async fn replays(
    scene: &mut Scene<'_, '_>,
    above: &mut Talk,
    heard: &[Packet],
) -> Result<(), Broken> {
    let packet = heard.first().ok_or_else(words::nothing_sealed)?;
    let sealed = packet.changes.iter().find(|one| !one.seal.is_empty());
    let sealed = sealed.ok_or_else(words::nothing_sealed)?;
    let forged = scene
        .forger_as(HONEST, sealed.change.actor)?
        .save(&[figure(WATCHED, "666")?])?;
    let tried = attempt(6, words::replayed_seal(), &["signature"]);
    scene
        .attempt(tried, async |_| {
            let body = travelling(&sealed.seal, &forged.bytes);
            Ok(answered(above.offer(forged.object(), CHANGE, body).await?))
        })
        .await?;
    let as_it_came = packet.body.clone();
    let said = above.offer(forged.object(), CHANGE, as_it_came).await?;
    scene.control(Some(Attacker::Relay), said.is_none(), &words::own_seal());
    Ok(())
}

/// The word of a province that has said nothing.
async fn receives(
    scene: &mut Scene<'_, '_>,
    below: &mut Talk,
    rogue: &Rogue,
) -> Result<(), Broken> {
    let receipt = Receipt {
        doc: scene.report(HONEST)?.id(),
        heads: Vec::new(),
        by: Place {
            node: rogue.signer.node_id(),
            unit: scene.unit(Who::Province),
            office: None,
        },
        at: now(),
    };
    let receipt = receipt.sign(&rogue.signer, scene.unit(HONEST));
    let receipt = receipt.map_err(words::unsigned)?;
    let tried = attempt(12, words::receipt_of_another(), &["scope"]);
    scene
        .attempt(tried, async |_| {
            Ok(answered(offered(below, RECEIPT, &receipt).await?))
        })
        .await
}

/// A stick, altered in each of its bytes; then as it was.
async fn carries(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    scene.stage.world.cut(&[HONEST]).await?;
    let sum = scene.saves().await?;
    let file = scene.stage.world.folder().join("up.hlb");
    let out = file.display().to_string();
    let district = scene.unit(Who::District).to_string();
    let args = ["bundle", "export", "--to", &district, "--out", &out];
    scene.stage.world.run(HONEST, &args, None).await?;
    let bundle = std::fs::read(&file).map_err(|error| frame::no_folder(&error))?;
    let client = scene.stage.world.client(Who::District).await?;
    let refused = &["M-1601", "M-1602"];
    let tried = attempt(14, words::altered_bundle(bundle.len()), refused);
    scene
        .attempt(tried, async |_| {
            let mut seen = Seen::default();
            for at in 0..bundle.len() {
                let mut altered = bundle.clone();
                if let Some(byte) = altered.get_mut(at) {
                    *byte ^= 1;
                }
                seen.said.insert(match client.bundle_import(altered).await {
                    Ok(_) => "taken".to_owned(),
                    Err(ClientError::Refused(problem)) => problem.code,
                    Err(error) => return Err(frame::asked(&error)),
                });
            }
            Ok(seen)
        })
        .await?;
    let mut counts = client.bundle_import(bundle).await.is_ok();
    for who in [Who::District, Who::Province] {
        counts = counts && scene.comes_to(who, WATCHED, &sum).await?;
    }
    scene.control(Some(Attacker::Relay), counts, &words::own_bundle());
    scene.stage.world.mend(&[HONEST]).await
}

/// A ticket that two use at the same moment: one is let in, and the other is told.
async fn shares_a_ticket(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let unit = scene.unit(Who::Commune(2)).to_string();
    let ticket = invite(scene.stage, Who::District, &[&unit]).await?;
    let (program, folder) = (
        scene.stage.world.program.clone(),
        scene.stage.world.folder(),
    );
    let (one, two) = (folder.join("one"), folder.join("two"));
    let mut let_in = 0;
    let tried = attempt(15, words::shared_ticket(), &["M-2208"]);
    scene
        .attempt(tried, async |_| {
            let both = tokio::join!(
                joins(&program, &one, &ticket),
                joins(&program, &two, &ticket)
            );
            let told = [both.0?, both.1?];
            let_in = told.iter().filter(|told| told.is_none()).count();
            Ok(told.into_iter().flatten().collect())
        })
        .await?;
    scene.control(Some(Attacker::Relay), let_in == 1, &words::one_let_in());
    Ok(())
}

/// Joins; says what it was refused with, if it was. Whoever is told to wait tries again.
async fn joins(
    program: &Program,
    dir: &std::path::Path,
    ticket: &str,
) -> Result<Option<String>, Broken> {
    let begun = Instant::now();
    loop {
        let told = program.tell(dir, &["join", ticket, "--json"], None).await?;
        match told.code {
            Some(0) => return Ok(None),
            Some(2) => return Ok(Some(words::code_of(&told))),
            _ if begun.elapsed() > WAIT_MAX => return Ok(Some(words::code_of(&told))),
            _ => sleep(JOIN_EVERY).await,
        }
    }
}
