//! `init`: the root of a new mesh.

use std::path::Path;

use hopluu_engine::{NewHome, NodeSettings, RootSetup, Secret, SetUp, init_root};
use hopluu_model::{Digest, NodeId, OfficeId, Timestamp, UnitId};
use serde::Serialize;

use crate::args::InitArgs;
use crate::cmd::people;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{secret, shipped, text};

/// Who a new node is, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct SetUpJson {
    unit: UnitId,
    office: Option<OfficeId>,
    node: NodeId,
    root: Digest,
    certificate_ends: Timestamp,
}

impl From<&SetUp> for SetUpJson {
    fn from(done: &SetUp) -> Self {
        Self {
            unit: done.place.unit.clone(),
            office: done.place.office.clone(),
            node: done.place.node,
            root: done.root,
            certificate_ends: done.certificate_ends,
        }
    }
}

pub(super) fn run(args: &InitArgs, context: &Context) -> Result<Exit, Failure> {
    let dir = context.dir()?;
    let secret = new_secret(args.encrypt, context)?;
    let admin = people::first_admin(&args.admin, context)?;
    let setup = RootSetup {
        unit: args.unit.clone(),
        tree: shipped::tree_or(args.units.as_deref())?,
        forms: shipped::forms_or(&args.form)?,
        home: NewHome {
            settings: NodeSettings {
                listen: args.listen,
                ..NodeSettings::default()
            },
            secret,
            admin,
        },
    };
    let done = init_root(dir, &setup, hopluu_engine::now())?;
    answer(&done, dir, context)
}

/// What is to open a new home, or opens one that was cut short.
pub(super) fn new_secret(is_encrypted: bool, context: &Context) -> Result<Option<Secret>, Failure> {
    let begun = secret::of_home(context.dir()?, context)?;
    match begun {
        None if is_encrypted => {
            let new = secret::new(context.secret_files(), context.lang)?;
            // Its first account is made in it at once.
            Ok(Some(context.secret().get_or_init(|| new).clone()))
        }
        begun => Ok(begun),
    }
}

/// Says that a home is ready.
pub(super) fn answer(done: &SetUp, dir: &Path, context: &Context) -> Result<Exit, Failure> {
    context.answer(&SetUpJson::from(done), |json| {
        let unit = owner(json);
        text::set_up(&unit, &dir.display().to_string())
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(Exit::Done)
}

fn owner(json: &SetUpJson) -> String {
    match &json.office {
        Some(office) => format!("{} / {office}", json.unit),
        None => json.unit.to_string(),
    }
}
