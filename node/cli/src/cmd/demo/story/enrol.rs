//! The mesh comes to be: a root, tickets, and 26 processes that find each other.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use hopluu_api::shape::UnitQuery;
use hopluu_engine::view::InviteView;
use hopluu_form::Form;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::super::cast::{OFFICE_COMMUNE, OFFICES, TREE_DAY};
use super::super::limits::{JOIN_EVERY, WAIT_MAX};
use super::super::process::Program;
use super::super::stage::{FORM, Stage};
use super::super::words::{self, Broken, told};
use super::super::world::{Who, opened_by};
use super::secure;

/// Any free port of this machine.
const ANY_PORT: &str = "127.0.0.1:0";

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::enrol()).await;
    root(stage).await?;
    let district = stage.world.cast.district.unit.to_string();
    let ticket = invite(stage, Who::Province, &[&district]).await?;
    join(
        &stage.world.program,
        vec![seat(stage, Who::District, &ticket, true)],
    )
    .await?;
    stage.world.start(&[Who::District]).await?;
    // Whoever invites must know its units and offices first: they come down the new link.
    has_form(stage, Who::District).await?;
    communes(stage).await?;
    offices(stage, &ticket).await?;
    everybody_is_there(stage).await
}

/// The province: its own root, with the one form for the one district.
pub(in super::super) async fn root(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let (mut ours, mut others) = (String::new(), Vec::new());
    for (at, source) in crate::shipped::forms().into_iter().enumerate() {
        let path = stage.world.folder().join(format!("form-{at}.toml"));
        let is_ours = Form::parse(&source).is_ok_and(|form| form.id().as_str() == FORM);
        std::fs::write(&path, source).map_err(|error| words::no_folder(&error))?;
        let path = path.display().to_string();
        if is_ours {
            ours = path;
        } else {
            others.push(path);
        }
    }
    let province = stage.world.cast.province.unit.to_string();
    let district = stage.world.cast.district.unit.to_string();
    let mut args = vec!["init", "--root", "--unit", &province, "--listen", ANY_PORT];
    for path in &others {
        args.extend(["--form", path]);
    }
    stage.world.run(Who::Province, &args, None).await?;
    let add = ["form", "add", &ours, "--for", &district];
    stage.world.run(Who::Province, &add, None).await?;
    stage.world.start(&[Who::Province]).await
}

pub(in super::super) async fn invite(
    stage: &Stage<'_>,
    from: Who,
    what: &[&str],
) -> Result<String, Broken> {
    let args = [&["invite", "--json"], what].concat();
    let told = stage.world.run(from, &args, None).await?;
    let invited: InviteView =
        serde_json::from_str(&told).map_err(|error| words::not_understood("invite", &error))?;
    Ok(invited.ticket)
}

/// A place in the mesh that somebody is about to take.
pub(in super::super) struct Seat {
    dir: PathBuf,
    ticket: String,
    listens: bool,
    /// The file with the passphrase of a folder that is to be encrypted.
    secret: Option<PathBuf>,
}

pub(in super::super) fn seat(stage: &Stage<'_>, who: Who, ticket: &str, listens: bool) -> Seat {
    Seat {
        dir: stage.world.dir(who).to_owned(),
        ticket: ticket.to_owned(),
        listens,
        secret: stage.world.secret(who).map(PathBuf::from),
    }
}

/// Joins side by side. An issuer lets so many callers of one address in at once; the others, being
/// told to wait, try again.
pub(in super::super) async fn join(program: &Program, seats: Vec<Seat>) -> Result<(), Broken> {
    let mut joining = JoinSet::new();
    for seat in seats {
        let program = program.clone();
        joining.spawn(async move {
            let mut args = opened_by(seat.secret.as_deref());
            args.extend(["join", seat.ticket.as_str()]);
            if seat.secret.is_some() {
                args.push("--encrypt");
            }
            if seat.listens {
                args.extend(["--listen", ANY_PORT]);
            }
            let begun = Instant::now();
            loop {
                match program.run(&seat.dir, &args, None).await {
                    Ok(_) => return Ok(()),
                    Err(broken) if begun.elapsed() > WAIT_MAX => return Err(broken),
                    Err(_) => sleep(JOIN_EVERY).await,
                }
            }
        });
    }
    while let Some(joined) = joining.join_next().await {
        joined.map_err(|_| words::not_joined())??;
    }
    Ok(())
}

async fn communes(stage: &mut Stage<'_>) -> Result<(), Broken> {
    secure::encrypt(stage)?;
    let mut seats = Vec::new();
    for at in 0..stage.world.cast.communes.len() {
        let unit = stage
            .world
            .cast
            .communes
            .get(at)
            .map(|player| player.unit.to_string());
        let ticket = invite(stage, Who::District, &[&unit.unwrap_or_default()]).await?;
        seats.push(seat(stage, Who::Commune(at), &ticket, at == OFFICE_COMMUNE));
    }
    let communes: Vec<Who> = (0..seats.len()).map(Who::Commune).collect();
    join(&stage.world.program, seats).await?;
    stage.world.start(&communes).await?;
    secure::staff(stage).await
}

async fn offices(stage: &mut Stage<'_>, used_ticket: &str) -> Result<(), Broken> {
    let main = Who::Commune(OFFICE_COMMUNE);
    has_form(stage, main).await?;
    let mut seats = Vec::new();
    for (at, office) in OFFICES.iter().enumerate() {
        let ticket = invite(stage, main, &["--office", office]).await?;
        seats.push(seat(stage, Who::Office(at), &ticket, false));
    }
    let offices: Vec<Who> = (0..seats.len()).map(Who::Office).collect();
    join(&stage.world.program, seats).await?;
    stage.world.start(&offices).await?;
    let stranger = stage.world.folder().join("stranger");
    let again = stage
        .world
        .program
        .run(&stranger, &["join", used_ticket], None)
        .await;
    stage.claim(again.is_err(), told::used_ticket());
    Ok(())
}

async fn everybody_is_there(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let communes = stage.world.cast.communes.len();
    let linked = told::links_up();
    let all_linked = async |client: &hopluu_api::Client| {
        let peers = client.status().await?.peers;
        Ok(peers.iter().filter(|peer| peer.is_linked).count() == communes + 1)
    };
    stage.until(Who::District, &linked, all_linked).await?;
    stage.claim(true, linked);
    let (mut processes, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for who in stage.world.everybody() {
        has_form(stage, who).await?;
        let status = stage.world.client(who).await?.status().await;
        keys.insert(status.map_err(|error| words::asked(&error))?.node);
        processes.extend(stage.world.process_id(who));
    }
    stage.claim(true, told::form_everywhere());
    let everybody = stage.world.everybody().len();
    let all_different = processes.len() == everybody && keys.len() == everybody;
    stage.claim(
        all_different,
        told::everybody_runs(processes.len(), keys.len()),
    );
    let nobody = told::nobody_reported();
    let pair = stage
        .until_totals(&nobody, |pair| {
            pair.both().iter().all(|total| total.expected == 21)
        })
        .await?;
    let is_empty = pair
        .both()
        .iter()
        .all(|total| total.reported == 0 && total.lines.iter().all(|line| line.value.is_none()));
    stage.claim(is_empty, nobody);
    Ok(())
}

/// Waits until a node knows its unit and the form: from then on it can be written at.
pub(in super::super) async fn has_form(stage: &Stage<'_>, who: Who) -> Result<(), Broken> {
    let children = if who == Who::District {
        stage.world.cast.communes.len()
    } else {
        0
    };
    let day = UnitQuery {
        unit: None,
        on: Some(TREE_DAY),
    };
    stage
        .until(who, &told::form_everywhere(), async |client| {
            let forms = client.form_list().await?;
            let has_form = forms.iter().any(|form| form.form.as_str() == FORM);
            Ok(has_form && client.unit_show(&day).await?.children.len() >= children)
        })
        .await
}
