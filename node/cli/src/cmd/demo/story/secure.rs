//! One commune's folder is encrypted, and at another people have accounts: all goes on as elsewhere.

use hopluu_api::ClientError;
use hopluu_api::shape::ReportQuery;

use super::super::cast::{ENCRYPTED, STAFFED};
use super::super::disk::readable;
use super::super::stage::{FORM, Stage};
use super::super::words::{self, Broken, told};
use super::super::world::Who;

/// What opens the folder.
const SECRET: &str = "gió mùa đông bắc thổi";

/// Who looks after the accounts, and who writes.
const ADMIN: &str = "hanh";
const CLERK: &str = "an";

/// Before the commune has joined: from its first byte on its folder is to be encrypted.
pub(super) fn encrypt(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let secret = stage.world.file("encrypted.txt", SECRET)?;
    stage.world.encrypted(Who::Commune(ENCRYPTED), secret);
    Ok(())
}

/// An administrator, and a clerk who is logged in from now on.
pub(super) async fn staff(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let accounts = [
        (ADMIN, "administrator", "mưa rừng tháng bảy"),
        (CLERK, "consolidator", "nắng hạn tháng tám"),
    ];
    for (account, role, passphrase) in accounts {
        let file = stage.world.file(account, passphrase)?.display().to_string();
        let by = ["--passphrase-file", &file];
        let add = [&["account", "add", account, "--role", role], &by[..]].concat();
        let login = [&["login", account], &by[..]].concat();
        for command in [add, login] {
            stage
                .world
                .run(Who::Commune(STAFFED), &command, None)
                .await?;
        }
    }
    Ok(())
}

/// Both have reported by now, as everybody else.
pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::secure()).await;
    let dir = stage.world.dir(Who::Commune(ENCRYPTED));
    let found = readable(dir, &[FORM, "SQLite format 3"])?;
    let name = stage.world.cast.name(ENCRYPTED).to_owned();
    stage.claim(found.is_none(), told::disk_says_nothing(&name));
    let other = stage.world.dir(Who::Commune(0));
    let found = readable(other, &[FORM, "SQLite format 3"])?;
    stage.claim(found.is_some(), told::disk_says_all());

    let nobody = stage.world.client(Who::Commune(STAFFED)).await?;
    let nobody = nobody.with_session(None);
    let refused = nobody.report_list(&ReportQuery::default()).await;
    let is_refused =
        matches!(&refused, Err(ClientError::Refused(problem)) if problem.code == "M-1701");
    stage.claim(is_refused, told::login_needed());
    let district = stage.world.client(Who::District).await?;
    let history = district.report_history(&stage.selector(STAFFED)).await;
    let history = history.map_err(|error| words::asked(&error))?;
    let by_clerk = |account: &Option<String>| account.as_deref() == Some(CLERK);
    let is_named = !history.is_empty() && history.iter().all(|row| by_clerk(&row.account));
    let name = stage.world.cast.name(STAFFED).to_owned();
    stage.claim(is_named, told::names_account(&name, CLERK));
    Ok(())
}
