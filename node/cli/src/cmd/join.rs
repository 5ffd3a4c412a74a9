//! `join`: into a mesh, by a ticket.

use std::cell::Cell;
use std::path::Path;

use hopluu_engine::{HomeError, NodeSettings, join, now};

use crate::args::JoinArgs;
use crate::cmd::input::read_given;
use crate::cmd::people;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::INPUT_BYTES_MAX;
use crate::progress::with_progress;
use crate::text;

pub(super) async fn run(args: &JoinArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    // The exchange uses the ticket up: what can be seen before must not cost one.
    if ["store.db", "node.toml"]
        .iter()
        .any(|file| dir.join(file).exists())
    {
        return Err(HomeError::Occupied(dir.to_owned()).into());
    }
    let admin = people::first_admin(&args.admin, context)?;
    let ticket = if args.ticket == "-" {
        read_given(Path::new("-"), INPUT_BYTES_MAX)?
    } else {
        args.ticket.clone()
    };
    let settings = NodeSettings {
        listen: args.listen,
        proxy: args.proxy.clone(),
        ..NodeSettings::default()
    };
    let secret = super::init::new_secret(args.encrypt, context)?;
    let words = text::working("xin vào mạng", "joining");
    let joining = join(dir, ticket.trim(), settings, secret.as_ref(), now());
    let done = with_progress(context, &words, &Cell::new(0), joining).await?;
    people::make_admin(admin, context).await?;
    super::init::answer(&done, dir, context)
}
