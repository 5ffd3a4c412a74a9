//! `login`, `logout` and `account`: who works at this node.

use std::path::Path;

use hopluu_api::text::people::role_vi;
use hopluu_engine::view::{
    AccountChange, AccountRequest, AccountView, LoginRequest, Passphrase, PassphraseRequest,
    SessionView,
};
use hopluu_engine::{CommandError, FirstAdmin, Home, Role, Roles};
use hopluu_form::Lang;

use crate::args::{
    AccountCommand, AddAccountArgs, AdminArgs, LoginArgs, PassphraseArgs, RenewArgs,
};
use crate::cmd::input::read_given;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::PASSPHRASE_FILE_BYTES_MAX;
use crate::table::{Align, Table};
use crate::{secret, show, text};

pub(super) async fn login(args: LoginArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    let passphrase = known(&args.passphrase, &args.account, context)?;
    let request = LoginRequest {
        account: args.account,
        passphrase,
    };
    // Whoever was logged in before is not asked.
    let client = context.client().await?.with_session(None);
    let answer = client.login(&request).await;
    client.close().await;
    let opened = answer?;
    Home::keep_session(dir, Some(&opened.token))?;
    answer_session(&opened.session, context)
}

pub(super) async fn logout(context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    context.ask(async |client| client.logout().await).await?;
    Home::keep_session(dir, None)?;
    context.answer(&(), |()| text::people::logged_out(context.lang).to_owned())?;
    Ok(Exit::Done)
}

pub(super) async fn account(command: AccountCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        AccountCommand::List => {
            let all = context
                .ask(async |client| client.account_list().await)
                .await?;
            context.answer(&all, |all| table(all, context.lang))?;
            Ok(Exit::Done)
        }
        AccountCommand::Me => {
            let session = context.ask(async |client| client.session().await).await?;
            answer_session(&session, context)
        }
        AccountCommand::Add(args) => add(args, context).await,
        AccountCommand::Change(args) => {
            let change = AccountChange {
                account: args.account,
                roles: (!args.role.is_empty()).then(|| args.role.into_iter().collect::<Roles>()),
                office: args.office,
                closed: None,
            };
            changed(change, context).await
        }
        AccountCommand::Close(args) => changed(state(args.account, true), context).await,
        AccountCommand::Open(args) => changed(state(args.account, false), context).await,
        AccountCommand::Passphrase(args) => renew(args, context).await,
    }
}

/// The first administrator of a node that is to be set up: asked for and judged before anything is made.
pub(super) fn first_admin(
    args: &AdminArgs,
    context: &Context,
) -> Result<Option<FirstAdmin>, Failure> {
    let Some(account) = &args.admin else {
        return Ok(None);
    };
    let passphrase = new(&args.passphrase, account, context)?;
    let admin = FirstAdmin::new(account, &passphrase);
    admin
        .map(Some)
        .map_err(|error| CommandError::People(error).into())
}

async fn add(args: AddAccountArgs, context: &Context) -> Result<Exit, Failure> {
    let request = AccountRequest {
        passphrase: new(&args.passphrase, &args.account, context)?,
        account: args.account,
        roles: args.role.into_iter().collect(),
        office: args.office,
    };
    let made = context
        .ask(async |client| client.account_add(&request).await)
        .await?;
    answer_account(&made, context)
}

async fn changed(change: AccountChange, context: &Context) -> Result<Exit, Failure> {
    let changed = context
        .ask(async |client| client.account_change(&change).await)
        .await?;
    answer_account(&changed, context)
}

async fn renew(args: RenewArgs, context: &Context) -> Result<Exit, Failure> {
    let session = context.ask(async |client| client.session().await).await?;
    let own = session.account.map(|account| account.to_string());
    let is_own = args.account.is_none() || args.account == own;
    let whose = args.account.clone().or(own).unwrap_or_default();
    let old = is_own.then(|| {
        let from = PassphraseArgs {
            passphrase_file: args.old_passphrase_file.clone(),
        };
        known(&from, &whose, context)
    });
    let request = PassphraseRequest {
        account: args.account,
        old: old.transpose()?,
        new: new(&args.passphrase, &whose, context)?,
    };
    let renewed = context
        .ask(async |client| client.passphrase(&request).await)
        .await?;
    answer_account(&renewed, context)
}

fn state(account: String, closed: bool) -> AccountChange {
    AccountChange {
        account,
        roles: None,
        office: None,
        closed: Some(closed),
    }
}

/// A passphrase that is there already.
fn known(from: &PassphraseArgs, account: &str, context: &Context) -> Result<Passphrase, Failure> {
    match &from.passphrase_file {
        Some(path) => read_passphrase(path),
        None => ask(&text::people::passphrase_of(account, context.lang)),
    }
}

/// A passphrase that is to be: asked for twice, because nobody sees it.
fn new(from: &PassphraseArgs, account: &str, context: &Context) -> Result<Passphrase, Failure> {
    if let Some(path) = &from.passphrase_file {
        return read_passphrase(path);
    }
    let first = ask(&text::people::new_passphrase_of(account, context.lang))?;
    if ask(text::secret::once_more(context.lang))? == first {
        Ok(first)
    } else {
        Err(text::secret::not_the_same())
    }
}

fn read_passphrase(path: &Path) -> Result<Passphrase, Failure> {
    let text = read_given(path, PASSPHRASE_FILE_BYTES_MAX)?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Passphrase::new(line.to_owned()))
}

fn ask(prompt: &str) -> Result<Passphrase, Failure> {
    let mut typed = secret::typed(prompt)?;
    Ok(Passphrase::new(std::mem::take(&mut *typed)))
}

fn answer_session(session: &SessionView, context: &Context) -> Result<Exit, Failure> {
    context.answer(session, |session| {
        let account = session.account.as_ref().map(ToString::to_string);
        let until = session.until.map(|until| show::time(until, context.lang));
        text::people::session(
            account.as_deref(),
            &role_names(session.roles, context.lang),
            session.office.as_deref(),
            until.as_deref(),
            context.lang,
        )
    })?;
    Ok(Exit::Done)
}

fn answer_account(account: &AccountView, context: &Context) -> Result<Exit, Failure> {
    context.answer(account, |account| {
        table(std::slice::from_ref(account), context.lang)
    })?;
    Ok(Exit::Done)
}

fn role_names(roles: Roles, lang: Lang) -> String {
    let name = |role: Role| match lang {
        Lang::Vi => role_vi(role),
        Lang::En => role.as_str(),
    };
    let names: Vec<_> = roles.iter().map(name).collect();
    names.join(", ")
}

fn table(accounts: &[AccountView], lang: Lang) -> String {
    let words = text::people::words(lang);
    if accounts.is_empty() {
        return words.nobody.to_owned();
    }
    let mut table = Table::new([
        (words.account, Align::Left),
        (words.roles, Align::Left),
        (words.office, Align::Left),
        (words.state, Align::Left),
    ]);
    for one in accounts {
        let state = match (one.closed, one.waits_s) {
            _ if one.revoked.is_some() => words.revoked.to_owned(),
            (true, _) => words.closed.to_owned(),
            (false, 0) => words.open.to_owned(),
            (false, seconds) => format!("{} {seconds} s", words.waits),
        };
        table.row([
            one.account.to_string(),
            role_names(one.roles, lang),
            one.office.clone().unwrap_or_default(),
            state,
        ]);
    }
    table.text()
}
