//! Who has stolen an office's machine: while it runs, switched off, and when its disk is encrypted.

use std::path::Path;

use hopluu_api::text::Both;
use hopluu_engine::view::RevocationView;
use hopluu_rogue::frames::{CHANGE, hello};
use hopluu_rogue::{Rogue, age_session};
use hopluu_trust::Signer;
use rustix::process::Signal;

use super::super::disk::readable;
use super::super::process::send;
use super::super::stage::{FORM, PERIOD};
use super::super::words::{self as frame, Broken};
use super::super::world::Who;
use super::http::{bearer, get, login, logout};
use super::scene::{
    Attacker, Attempt, CLOSED_LAPTOP, HONEST, OPEN_LAPTOP, Scene, Seen, answered, figure,
};
use super::setting::{
    ADMIN, ADMIN_SECRET, HEALTH_LINE, POLICE_LINE, READER, READER_SECRET, TREASURE,
};
use super::words;

/// What is asked for again and again.
const ASKED: &str = "/v1/reports";

/// A session lasts twelve hours.
const THIRTEEN_HOURS_MS: i64 = 13 * 60 * 60 * 1_000;

/// Guesses at a passphrase, and how many of them may be tried at the key in the minute that they take.
const GUESSES: usize = 1_000;
const TRIED_MAX: usize = 6;

/// What a thief looks for on a disk: a figure, a form, how tables begin.
const LOOKED_FOR: [&str; 4] = [TREASURE, FORM, "SQLite format 3", "CREATE TABLE"];

/// What the police write when they may: their own line.
const OWN: &str = "3";

fn attempt(line: u8, tried: Both, stoppers: &'static [&'static str]) -> Attempt {
    Attempt {
        line,
        by: Attacker::Laptop,
        tried,
        stoppers,
    }
}

/// Gives what a relay can be sold: the key of the laptop.
pub(super) async fn play(scene: &mut Scene<'_, '_>) -> Result<Signer, Broken> {
    scene.stage.step(&words::laptop()).await;
    sessions(scene).await?;
    guesses(scene).await?;
    let signer = key(scene).await?;
    scene.goes_on().await?;
    closed(scene).await?;
    Ok(signer)
}

/// Requests without a session, with one that is over, and from a page.
async fn sessions(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let dir = scene.stage.world.dir(OPEN_LAPTOP).to_owned();
    let tried = attempt(17, words::no_session(), &["401 M-1701"]);
    scene
        .attempt(tried, async |_| asked(&dir, &[]).await)
        .await?;
    let stolen = opened(&dir).await?;
    let with = [bearer(&stolen)];
    let page = [
        bearer(&stolen),
        "Origin: https://trang-la.example".to_owned(),
    ];
    let tried = attempt(21, words::web_page(), &["403 M-1507"]);
    scene
        .attempt(tried, async |_| asked(&dir, &page).await)
        .await?;
    let is_open = get(&dir, ASKED, &with).await?.is_granted();
    scene.control(Some(Attacker::Laptop), is_open, &words::open_session());
    logout(&dir, &stolen).await?;
    let tried = attempt(18, words::stolen_session(), &["401 M-1702"]);
    scene
        .attempt(tried, async |_| asked(&dir, &with).await)
        .await?;
    let old = opened(&dir).await?;
    scene.stage.world.stop(&[OPEN_LAPTOP]).await;
    age_session(&dir, &old, THIRTEEN_HOURS_MS)?;
    scene.stage.world.start(&[OPEN_LAPTOP]).await?;
    let tried = attempt(19, words::expired_session(), &["401 M-1702"]);
    let with = [bearer(&old)];
    scene
        .attempt(tried, async |_| asked(&dir, &with).await)
        .await
}

async fn asked(dir: &Path, headers: &[String]) -> Result<Seen, Broken> {
    Ok(get(dir, ASKED, headers).await?.told().into())
}

/// The token of a session that its owner has opened.
async fn opened(dir: &Path) -> Result<String, Broken> {
    let (answer, token) = login(dir, ADMIN, ADMIN_SECRET).await?;
    token.ok_or_else(|| words::not_let_in(&answer.told()))
}

/// A thousand guesses, as fast as they go.
async fn guesses(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let dir = scene.stage.world.dir(OPEN_LAPTOP).to_owned();
    let tried = attempt(16, words::guesses(GUESSES), &["401 M-1703", "429 M-1704"]);
    scene
        .attempt(tried, async |_| {
            let mut seen = Seen::default();
            let mut at_the_key = 0;
            for guess in 0..GUESSES {
                let guess = format!("mưa rừng tháng {guess}");
                let (answer, _) = login(&dir, READER, &guess).await?;
                let told = answer.told();
                at_the_key += usize::from(!told.ends_with("M-1704"));
                seen.said.insert(told);
            }
            if at_the_key > TRIED_MAX {
                seen.said.insert("too-many".to_owned());
            }
            seen.note = Some(words::guessed(at_the_key, GUESSES - at_the_key));
            Ok(seen)
        })
        .await?;
    let (locked, _) = login(&dir, READER, READER_SECRET).await?;
    let other = opened(&dir).await.is_ok();
    let is_held = other && locked.told().ends_with("M-1704");
    scene.control(Some(Attacker::Laptop), is_held, &words::others_log_in());
    Ok(())
}

/// What the key of the open laptop is good for, until it is revoked.
async fn key(scene: &mut Scene<'_, '_>) -> Result<Signer, Broken> {
    scene.stage.world.stop(&[OPEN_LAPTOP]).await;
    let dir = scene.stage.world.dir(OPEN_LAPTOP).to_owned();
    let rogue = Rogue::of_home(&dir)?;
    let main = scene.address(HONEST).await?;
    let mut talk = rogue.say(main, hello()).await?;
    let foreign = scene.forger(HONEST)?.save(&[figure(HEALTH_LINE, "1")?])?;
    let tried = attempt(4, words::without_grant(), &["void/no-grant"]);
    scene
        .attempt(tried, async |scene| {
            let body = foreign.sealed(&rogue.signer)?;
            if let Some(code) = talk.offer(foreign.object(), CHANGE, body).await? {
                return Ok(answered(Some(code)));
            }
            let mut seen = scene.void(HONEST, foreign.hash).await?;
            seen.said
                .extend(scene.void(Who::District, foreign.hash).await?.said);
            Ok(seen)
        })
        .await?;
    let own = scene.forger(HONEST)?.save(&[figure(POLICE_LINE, OWN)?])?;
    let said = talk
        .offer(own.object(), CHANGE, own.sealed(&rogue.signer)?)
        .await?;
    let counts = said.is_none() && scene.comes_to(Who::Province, POLICE_LINE, OWN).await?;
    scene.control(Some(Attacker::Laptop), counts, &words::until_revoked());
    let node = rogue.signer.node_id().to_string();
    let tried = attempt(23, words::after_revocation(), &["close/263"]);
    scene
        .attempt(tried, async |scene| {
            let args = ["revoke", "node", &node, "--reason", "stolen", "--json"];
            let told = scene.stage.world.run(HONEST, &args, None).await?;
            let revoked: RevocationView = serde_json::from_str(&told)
                .map_err(|error| frame::not_understood("revoke node", &error))?;
            let at_once = talk.closed().await?;
            let again = rogue.say(main, hello()).await?.closed().await?;
            let codes = [at_once.code, again.code].into_iter();
            let mut seen: Seen = codes.map(|code| format!("close/{code}")).collect();
            seen.note = Some(words::stands(revoked.stands));
            Ok(seen)
        })
        .await?;
    let signer = rogue.signer.clone();
    drop(rogue);
    scene.stage.world.start(&[OPEN_LAPTOP]).await?;
    let why = scene.look(OPEN_LAPTOP, async |client| {
        Ok(client.status().await?.revoked)
    });
    let why = why.await?.unwrap_or_default();
    let is_told = why.starts_with("stolen");
    scene.control(Some(Attacker::Laptop), is_told, &words::told_why(&why));
    Ok(signer)
}

/// What a disk says: nothing, if it is encrypted and the secret is not with it.
async fn closed(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let world = &mut scene.stage.world;
    send(world.process_id(CLOSED_LAPTOP), Signal::KILL);
    world.gone(CLOSED_LAPTOP).await;
    let guess = world.folder().join("guess.txt");
    std::fs::write(&guess, "gió mùa tây nam\n").map_err(|error| frame::no_folder(&error))?;
    let guess = guess.display().to_string();
    let dir = world.dir(CLOSED_LAPTOP).to_owned();
    let tried = attempt(22, words::encrypted_disk(), &["M-2060", "M-2113"]);
    scene
        .attempt(tried, async |scene| {
            let program = &scene.stage.world.program;
            let mut seen = Seen::default();
            for open in [&[][..], &["--home-passphrase-file", &guess]] {
                let args = [open, &["status", "--json"]].concat();
                let told = program.tell(&dir, &args, None).await?;
                seen.said.insert(words::code_of(&told));
            }
            if let Some(word) = readable(&dir, &LOOKED_FOR)? {
                seen.said.insert(format!("reads {word}"));
            }
            Ok(seen)
        })
        .await?;
    let is_found = readable(scene.stage.world.dir(OPEN_LAPTOP), &LOOKED_FOR)?.is_some();
    scene.control(Some(Attacker::Laptop), is_found, &words::plain_disk());
    let show = ["report", "show", FORM, PERIOD, "--json"];
    let shown = scene.stage.world.run(CLOSED_LAPTOP, &show, None).await?;
    scene.control(None, shown.contains(TREASURE), &words::passphrase_opens());
    Ok(())
}
