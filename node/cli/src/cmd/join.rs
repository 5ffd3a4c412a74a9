//! `join`: into a mesh, by a ticket.

use std::cell::Cell;
use std::path::Path;

use hopluu_engine::{Home, HomeError, NewHome, NodeSettings, join, now, rekey};
use hopluu_model::NodeId;
use serde::Serialize;

use super::bundle::codes::read;
use super::bundle::files::read_bytes;
use crate::args::{JoinArgs, RekeyArgs};
use crate::cmd::input::read_given;
use crate::cmd::people;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::INPUT_BYTES_MAX;
use crate::progress::with_progress;
use crate::{secret, text};

pub(super) async fn run(args: &JoinArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    // The exchange uses the ticket up: what can be seen before must not cost one.
    if Home::is_occupied(dir) {
        return Err(HomeError::Occupied(dir.to_owned()).into());
    }
    let admin = people::first_admin(&args.admin, context)?;
    let ticket = typed(&args.ticket)?;
    let settings = NodeSettings {
        listen: args.listen,
        proxy: args.proxy.clone(),
        ..NodeSettings::default()
    };
    let secret = super::init::new_secret(args.encrypt, context)?;
    let words = text::working("xin vào mạng", "joining");
    let new = NewHome {
        settings,
        secret,
        admin,
    };
    let joining = join(dir, ticket.trim(), new, now());
    let done = with_progress(context, &words, &Cell::new(0), joining).await?;
    super::init::answer(&done, dir, context)
}

/// A ticket as it was given: as text, in a photo, or on standard input.
fn typed(ticket: &str) -> Result<String, Failure> {
    if ticket == "-" {
        read_given(Path::new("-"), INPUT_BYTES_MAX)
    } else if Path::new(ticket).is_file() {
        pictured(Path::new(ticket))
    } else {
        Ok(ticket.to_owned())
    }
}

/// What became of a node's key, as JSON.
#[derive(Debug, Serialize)]
struct RekeyedJson {
    #[serde(flatten)]
    node: super::init::SetUpJson,
    /// The key that it had.
    before: NodeId,
    /// One that was drawn for another ticket, and given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up: Option<NodeId>,
}

/// `rekey`: another key in the same folder.
pub(super) async fn rekey_home(args: &RekeyArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    if hopluu_api::is_served(dir).await {
        return Err(text::fail::still_running());
    }
    let ticket = typed(&args.ticket)?;
    let secret = secret::of_home(dir, context)?;
    let words = text::working("đổi khóa", "changing the key");
    let calling = rekey(dir, ticket.trim(), secret.as_ref(), now());
    let done = with_progress(context, &words, &Cell::new(0), calling).await?;
    let json = RekeyedJson {
        node: (&done.node).into(),
        before: done.before,
        given_up: done.given_up,
    };
    let node = done.node.place.node;
    context.answer(&json, |_| {
        let words = text::rekeyed(&node.short(), &done.before.short());
        let mut page = words.in_lang(context.lang).to_owned();
        if let Some(given_up) = done.given_up {
            let words = text::given_up(&given_up.short());
            page.push_str(&format!("\n{}", words.in_lang(context.lang)));
        }
        page
    })?;
    Ok(Exit::Done)
}

/// The ticket whose code is in a photo.
fn pictured(path: &Path) -> Result<String, Failure> {
    let codes = read(path, &read_bytes(path)?)?;
    // Of other codes in the picture none is a ticket; without any the first says what is wrong.
    let texts = codes
        .into_iter()
        .map(|code| String::from_utf8_lossy(&code).into_owned());
    let texts: Vec<String> = texts.collect();
    let ticket = texts.iter().find(|text| text.starts_with("HOPLUU"));
    Ok(ticket.or(texts.first()).cloned().unwrap_or_default())
}
