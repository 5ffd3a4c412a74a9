//! A small mesh at work, before anybody does anything wrong.

use hopluu_engine::view::Selector;

use super::super::stage::{FORM, PERIOD};
use super::super::story::enrol::{has_form, invite, join, root, seat};
use super::super::words::Broken;
use super::super::world::Who;
use super::scene::{CLOSED_LAPTOP, HONEST, OPEN_LAPTOP, Scene, TAKEN, TAKEN_HAS, WATCHED};
use super::words;

/// What opens the encrypted laptop.
const SECRET: &str = "gió mùa đông bắc thổi";
/// People at the other laptop, whose work it is to look after it, and to read.
pub(super) const ADMIN: &str = "hanh";
pub(super) const READER: &str = "minh";
/// What opens their accounts.
pub(super) const ADMIN_SECRET: &str = "mưa rừng tháng bảy";
pub(super) const READER_SECRET: &str = "nắng hạn tháng tám";

/// A line of the health office, and what its laptop has in it: a figure that is found if it can be read.
pub(super) const HEALTH_LINE: &str = "II.2.5.d.5";
pub(super) const TREASURE: &str = "918273645";
/// A line of the police.
pub(super) const POLICE_LINE: &str = "II.2.3.c.1";

pub(super) async fn play(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    scene.stage.step(&words::setting()).await;
    let stage = &mut *scene.stage;
    root(stage).await?;
    let unit = stage.world.cast.district.unit.to_string();
    let ticket = invite(stage, Who::Province, &[&unit]).await?;
    let seats = vec![seat(stage, Who::District, &ticket, true)];
    join(&stage.world.program, seats).await?;
    stage.world.start(&[Who::District]).await?;
    has_form(stage, Who::District).await?;
    communes(scene).await?;
    offices(scene).await?;
    people(scene).await?;
    work(scene).await
}

async fn communes(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let mut seats = Vec::new();
    for who in [HONEST, TAKEN] {
        let unit = scene.unit(who).to_string();
        let ticket = invite(scene.stage, Who::District, &[&unit]).await?;
        seats.push(seat(scene.stage, who, &ticket, who == HONEST));
    }
    join(&scene.stage.world.program, seats).await?;
    scene.stage.world.start(&[HONEST, TAKEN]).await?;
    has_form(scene.stage, HONEST).await?;
    has_form(scene.stage, TAKEN).await
}

async fn offices(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let secret = scene.stage.world.file("closed.txt", SECRET)?;
    scene.stage.world.encrypted(CLOSED_LAPTOP, secret);
    let mut seats = Vec::new();
    for (who, office) in [(OPEN_LAPTOP, "police"), (CLOSED_LAPTOP, "health")] {
        let ticket = invite(scene.stage, HONEST, &["--office", office]).await?;
        seats.push(seat(scene.stage, who, &ticket, false));
    }
    join(&scene.stage.world.program, seats).await?;
    let laptops = [OPEN_LAPTOP, CLOSED_LAPTOP];
    scene.stage.world.start(&laptops).await?;
    for who in laptops {
        has_form(scene.stage, who).await?;
    }
    Ok(())
}

/// The open laptop has people with accounts; its administrator is logged in.
async fn people(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let admin = scene.stage.world.file("admin.txt", ADMIN_SECRET)?;
    let reader = scene.stage.world.file("reader.txt", READER_SECRET)?;
    let (admin, reader) = (admin.display().to_string(), reader.display().to_string());
    let by = "--passphrase-file";
    let world = &scene.stage.world;
    let add = [
        "account",
        "add",
        ADMIN,
        "--role",
        "administrator",
        by,
        &admin,
    ];
    world.run(OPEN_LAPTOP, &add, None).await?;
    let login = ["login", ADMIN, by, &admin];
    world.run(OPEN_LAPTOP, &login, None).await?;
    let add = ["account", "add", READER, "--role", "reader", by, &reader];
    world.run(OPEN_LAPTOP, &add, None).await?;
    Ok(())
}

/// Both communes report, an office writes what is its own, and a scan goes up.
async fn work(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    let taken = format!("{WATCHED}={TAKEN_HAS}");
    let treasure = format!("{HEALTH_LINE}={TREASURE}");
    let scan = scene.stage.world.file("scan.pdf", "%PDF-1.7\nbản ký\n")?;
    let scan = scan.display().to_string();
    for (who, figure) in [(TAKEN, &taken), (CLOSED_LAPTOP, &treasure)] {
        let set = ["report", "set", FORM, PERIOD, "--new", figure];
        scene.stage.world.run(who, &set, None).await?;
    }
    let attach = ["report", "attach", FORM, PERIOD, &scan];
    scene.stage.world.run(TAKEN, &attach, None).await?;
    scene.goes_on().await?;
    let asked = Selector {
        unit: Some(scene.unit(TAKEN).to_string()),
        form: FORM.to_owned(),
        period: PERIOD.to_owned(),
        instance: 0,
    };
    let held = scene.look(Who::District, async |client| {
        let files = client.attachments(&asked).await?;
        let held = files.into_iter().find(|file| file.held == file.bytes);
        Ok(held)
    });
    let held = held.await?.is_some();
    scene.control(None, held, &words::scan_arrived());
    let arrived = scene.comes_to(Who::Province, HEALTH_LINE, TREASURE).await?;
    scene.control(None, arrived, &words::office_arrived());
    Ok(())
}
