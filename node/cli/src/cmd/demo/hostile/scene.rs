//! One attempt after the other, and how each is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hopluu_api::text::Both;
use hopluu_api::{Client, ClientError};
use hopluu_doc::{DocKey, Edit, FigureKey};
use hopluu_engine::view::{StatusView, TotalLineView, VoidQuery};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, NodeId, UnitId};
use hopluu_rogue::{Forger, RefusalCode};
use serde::Serialize;
use tokio::time::sleep;

use super::super::board::line;
use super::super::cast::OFFICE_COMMUNE;
use super::super::limits::{LOOK_EVERY, WAIT_MAX};
use super::super::stage::{FORM, PERIOD, Stage, total_query};
use super::super::words::{self as frame, Broken};
use super::super::world::Who;
use super::words;

/// The commune that does nothing wrong, whose offices have machines.
pub(super) const HONEST: Who = Who::Commune(OFFICE_COMMUNE);
/// Tân Hợp: its main node is in somebody else's hands.
pub(super) const TAKEN: Who = Who::Commune(7);
/// Its office whose machine is stolen, not encrypted.
pub(super) const OPEN_LAPTOP: Who = Who::Office(0);
/// Its office whose machine is stolen, encrypted.
pub(super) const CLOSED_LAPTOP: Who = Who::Office(1);

/// What everybody watches: a line that the main nodes set.
pub(super) const WATCHED: &str = "II.1.1.a";
/// What the taken commune has in it.
pub(super) const TAKEN_HAS: u64 = 10;

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Attacker {
    Commune,
    Laptop,
    Relay,
}

/// Something that must not go.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Which line of bad input it is.
    pub(super) line: u8,
    pub(super) by: Attacker,
    pub(super) tried: Both,
    /// What has to have stopped it, each as its victim says it.
    pub(super) stoppers: &'static [&'static str],
}

/// What its victim said of an attempt.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) said: BTreeSet<String>,
    /// Beside it, for people.
    pub(super) note: Option<Both>,
}

impl<T: Into<String>> From<T> for Seen {
    fn from(said: T) -> Self {
        Self {
            said: BTreeSet::from([said.into()]),
            note: None,
        }
    }
}

impl FromIterator<String> for Seen {
    fn from_iter<I: IntoIterator<Item = String>>(said: I) -> Self {
        Self {
            said: said.into_iter().collect(),
            note: None,
        }
    }
}

/// An attempt, for programs.
#[derive(Debug, Serialize)]
struct AttemptRow<'a> {
    event: &'static str,
    line: u8,
    by: Attacker,
    tried: &'a Both,
    expected: &'a [&'static str],
    stopped_by: &'a BTreeSet<String>,
    totals_unmoved: bool,
    is_stopped: bool,
}

/// A control, for programs.
#[derive(Debug, Serialize)]
struct ControlRow<'a> {
    event: &'static str,
    by: Option<Attacker>,
    done: &'a Both,
    gets_through: bool,
}

/// The totals of district and province, as far as they count something.
type Counted = Vec<(u64, Vec<TotalLineView>)>;

/// What every attacker has at hand.
pub(super) struct Scene<'s, 'w> {
    pub(super) stage: &'s mut Stage<'w>,
    form: Arc<Form>,
    /// What the honest commune says.
    honest: u64,
    actors: u8,
}

impl<'s, 'w> Scene<'s, 'w> {
    pub(super) fn new(stage: &'s mut Stage<'w>) -> Self {
        let form = Arc::new(stage.form.clone());
        Self {
            stage,
            form,
            honest: 42,
            actors: 0,
        }
    }

    /// Has something tried, and claims that it was stopped by what stops it, and moved no total.
    pub(super) async fn attempt(
        &mut self,
        attempt: Attempt,
        tries: impl AsyncFnOnce(&mut Self) -> Result<Seen, Broken>,
    ) -> Result<(), Broken> {
        let before = self.counted().await?;
        let seen = tries(self).await?;
        let totals_unmoved = before == self.counted().await?;
        let by_right = |said: &String| attempt.stoppers.contains(&said.as_str());
        let is_by_right = !seen.said.is_empty() && seen.said.iter().all(by_right);
        let is_stopped = is_by_right && totals_unmoved;
        self.stage.ledger.row(&AttemptRow {
            event: "attempt",
            line: attempt.line,
            by: attempt.by,
            tried: &attempt.tried,
            expected: attempt.stoppers,
            stopped_by: &seen.said,
            totals_unmoved,
            is_stopped,
        });
        let told = words::attempt(&attempt, &seen, totals_unmoved);
        self.stage.claim(is_stopped, told);
        Ok(())
    }

    /// Claims that what was done honestly, by the same means, gets through.
    pub(super) fn control(&mut self, by: Option<Attacker>, gets_through: bool, done: &Both) {
        self.stage.ledger.row(&ControlRow {
            event: "control",
            by,
            done,
            gets_through,
        });
        self.stage.claim(gets_through, words::control(done));
    }

    /// The honest commune goes on, and what it saves arrives.
    pub(super) async fn goes_on(&mut self) -> Result<(), Broken> {
        let sum = self.saves().await?;
        let mut is_there = true;
        for who in [Who::District, Who::Province] {
            is_there &= self.comes_to(who, WATCHED, &sum).await?;
        }
        self.control(None, is_there, &words::goes_on(&sum));
        Ok(())
    }

    /// The honest commune saves one more; answers what the totals will be.
    pub(super) async fn saves(&mut self) -> Result<String, Broken> {
        self.honest += 1;
        let figure = format!("{WATCHED}={}", self.honest);
        let args = ["report", "set", FORM, PERIOD, "--new", &figure];
        self.stage.world.run(HONEST, &args, None).await?;
        Ok((self.honest + TAKEN_HAS).to_string())
    }

    async fn counted(&self) -> Result<Counted, Broken> {
        let mut counted = Vec::new();
        for who in [Who::District, Who::Province] {
            let total = self.stage.total(who, None).await?;
            counted.extend(total.map(|total| (u64::from(total.reported), total.lines)));
        }
        Ok(counted)
    }

    /// Whether a line of a node's total comes to be this.
    pub(super) async fn comes_to(&self, who: Who, code: &str, value: &str) -> Result<bool, Broken> {
        let asked = total_query(None, None);
        let found = self.look(who, async |client| {
            let total = client.rollup_show(&asked).await?;
            let found = line(&total, code).and_then(|line| line.value.clone());
            Ok(found.filter(|found| found == value))
        });
        Ok(found.await?.is_some())
    }

    /// Waits until a node has something to say; nothing where it never does.
    pub(super) async fn look<T>(
        &self,
        who: Who,
        asks: impl AsyncFn(&Client) -> Result<Option<T>, ClientError>,
    ) -> Result<Option<T>, Broken> {
        let client = self.stage.world.client(who).await?;
        let begun = Instant::now();
        while begun.elapsed() < WAIT_MAX {
            match asks(&client).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) | Err(ClientError::Refused(_)) => sleep(LOOK_EVERY).await,
                Err(error) => return Err(frame::asked(&error)),
            }
        }
        Ok(None)
    }

    /// Why a node says that a change is void.
    pub(super) async fn void(&self, who: Who, change: ChangeHash) -> Result<Seen, Broken> {
        let asked = VoidQuery {
            all: true,
            change: Some(change.to_string()),
        };
        let why = self.look(who, async |client| {
            let voids = client.void_list(&asked).await?;
            Ok(voids.into_iter().next().map(|void| void.why))
        });
        let why = why.await?;
        Ok(why.map_or_else(|| "nothing".into(), |why| format!("void/{why}").into()))
    }

    /// What a node has refused so far, and how often.
    pub(super) async fn refused(&self, who: Who) -> Result<BTreeMap<String, u64>, Broken> {
        let client = self.stage.world.client(who).await?;
        let rows = client.audit_refused().await;
        let rows = rows.map_err(|error| frame::asked(&error))?;
        let mut refused = BTreeMap::new();
        for row in rows {
            *refused
                .entry(format!("{}/{}", row.kind, row.reason))
                .or_default() += row.count;
        }
        Ok(refused)
    }

    /// What a node has refused since.
    pub(super) async fn refused_since(
        &self,
        who: Who,
        before: &BTreeMap<String, u64>,
    ) -> Result<Seen, Broken> {
        let begun = Instant::now();
        loop {
            let now = self.refused(who).await?;
            let more = now
                .into_iter()
                .filter(|(why, count)| before.get(why).is_none_or(|before| before < count));
            let more: Seen = more.map(|(why, _)| why).collect();
            if !more.said.is_empty() || begun.elapsed() > WAIT_MAX {
                return Ok(more);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// What a node waits for with the last that it was given by another, or what else it said of it.
    pub(super) async fn parked(
        &self,
        who: Who,
        from: NodeId,
        said: Option<RefusalCode>,
    ) -> Result<Seen, Broken> {
        if said != Some(RefusalCode::PARKED) {
            return Ok(answered(said));
        }
        let client = self.stage.world.client(who).await?;
        let parked = client.parked_list().await;
        let parked = parked.map_err(|error| frame::asked(&error))?;
        let row = parked.into_iter().rfind(|row| row.from == from);
        let why = row.map_or_else(String::new, |row| row.why);
        Ok(format!("parked/{why}").into())
    }

    /// How a node does.
    pub(super) async fn status(&self, who: Who) -> Result<StatusView, Broken> {
        let client = self.stage.world.client(who).await?;
        client.status().await.map_err(|error| frame::asked(&error))
    }

    /// Where a node is called.
    pub(super) async fn address(&self, who: Who) -> Result<SocketAddr, Broken> {
        let listen = self.status(who).await?.listen;
        let listen = listen.and_then(|listen| listen.parse().ok());
        listen.ok_or_else(words::nowhere)
    }

    /// A unit of the cast.
    pub(super) fn unit(&self, who: Who) -> UnitId {
        let cast = &self.stage.world.cast;
        let player = match who {
            Who::Province => Some(&cast.province),
            Who::District => Some(&cast.district),
            Who::Commune(at) => cast.communes.get(at),
            Who::Office(_) => cast.communes.get(OFFICE_COMMUNE),
        };
        let player = player.unwrap_or(&cast.district);
        player.unit.clone()
    }

    /// The report that everybody writes, of a unit.
    pub(super) fn report(&self, who: Who) -> Result<DocKey, Broken> {
        let period = PERIOD.parse().map_err(|_| frame::no_units())?;
        let (form, major) = (self.form.id().clone(), self.form.version().major);
        Ok(DocKey::report(self.unit(who), form, major, period))
    }

    /// Makes a report up, from nothing, as nobody that was there before.
    pub(super) fn forger(&mut self, who: Who) -> Result<Forger, Broken> {
        self.actors += 1;
        self.forger_as(who, ActorId([self.actors; 8]))
    }

    /// The same of a further report of that period, which counts in no total.
    pub(super) fn another(&self, who: Who) -> Result<Forger, Broken> {
        let mut key = self.report(who)?;
        key.instance = 1;
        Ok(Forger::new(key, &self.form, ActorId([0xa7; 8]))?)
    }

    /// The same under an actor's name.
    pub(super) fn forger_as(&self, who: Who, actor: ActorId) -> Result<Forger, Broken> {
        Ok(Forger::new(self.report(who)?, &self.form, actor)?)
    }
}

/// A figure, as an edit.
pub(super) fn figure(code: &str, value: &str) -> Result<Edit, Broken> {
    let code = code.parse().ok();
    let (code, value) = code.zip(value.parse().ok()).ok_or_else(frame::no_units)?;
    let key = FigureKey::whole(code);
    Ok(Edit::SetFigure { key, value })
}

/// What a node answered to an entry, as its lists name it.
pub(super) fn answered(refused: Option<RefusalCode>) -> Seen {
    let said = match refused {
        None => "taken",
        Some(RefusalCode::PARKED) => "parked",
        Some(RefusalCode::SIGNATURE) => "signature",
        Some(RefusalCode::MALFORMED) => "malformed",
        Some(RefusalCode::SCOPE) => "scope",
        Some(RefusalCode::BUDGET) => "bound",
        Some(RefusalCode::CONFLICT) => "conflict",
        Some(RefusalCode::UNSUPPORTED) => "unsupported",
        Some(_) => "other",
    };
    said.into()
}
