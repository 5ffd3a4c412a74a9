//! What every scene has at hand, and the one way to wait.

use std::time::Instant;

use hopluu_api::shape::TotalQuery;
use hopluu_api::text::Both;
use hopluu_api::{Client, ClientError};
use hopluu_engine::view::{ReportView, Selector, TotalView};
use hopluu_form::Form;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::annex::Annex;
use super::board::{Board, Pair};
use super::ledger::Ledger;
use super::limits::{LOOK_EVERY, WAIT_MAX};
use super::plan::{Entry, Plan};
use super::words::{self, Broken};
use super::world::{Who, World};

/// The report that everybody writes.
pub(super) const FORM: &str = "pcmd-review";
/// Its period.
pub(super) const PERIOD: &str = "2016-2020";

/// The stage.
#[derive(Debug)]
pub(super) struct Stage<'w> {
    pub(super) world: &'w mut World,
    pub(super) ledger: &'w mut Ledger,
    pub(super) form: Form,
    pub(super) annex: Annex,
    pub(super) plan: Plan,
    /// Communes whose report has gone up so far.
    pub(super) reported: Vec<usize>,
    board: Board,
    /// A person's Enter; without it nobody waits.
    enter: Option<mpsc::Receiver<()>>,
    step: usize,
}

impl<'w> Stage<'w> {
    pub(super) fn new(
        world: &'w mut World,
        ledger: &'w mut Ledger,
        form: Form,
        enter: Option<mpsc::Receiver<()>>,
    ) -> Self {
        let annex = Annex::printed();
        let weights: Vec<u64> = (0..world.cast.communes.len())
            .map(super::cast::weight)
            .collect();
        let plan = super::plan::plan(&form, &annex, &weights);
        let board = Board::default();
        Self {
            world,
            ledger,
            form,
            annex,
            plan,
            reported: Vec::new(),
            board,
            enter,
            step: 0,
        }
    }

    /// Announces a step; a person decides when it begins.
    pub(super) async fn step(&mut self, step: &(Both, Both)) {
        if self.step > 0
            && let Some(enter) = &mut self.enter
        {
            self.ledger.say(&words::press_enter());
            // Where the input has ended nobody wants to decide any more.
            let _input_ended = enter.recv().await;
        }
        self.step += 1;
        self.board.begin();
        self.ledger.say(&words::step(self.step, step));
    }

    /// States something that must be so.
    pub(super) fn claim(&mut self, holds: bool, what: Both) {
        self.ledger.claim(holds, what);
    }

    /// What a commune enters.
    pub(super) fn entries(&self, commune: usize) -> Vec<Entry> {
        self.plan.communes.get(commune).cloned().unwrap_or_default()
    }

    /// Enters figures by the public command, as one save.
    pub(super) async fn enter(&self, who: Who, entries: &[Entry]) -> Result<(), Broken> {
        let args = ["report", "set", FORM, PERIOD, "--new", "--csv", "-"];
        self.world.run(who, &args, Some(&csv(entries))).await?;
        Ok(())
    }

    /// Waits until a node's state is as wanted.
    pub(super) async fn until(
        &self,
        who: Who,
        what: &Both,
        is_so: impl AsyncFn(&Client) -> Result<bool, ClientError>,
    ) -> Result<(), Broken> {
        let client = self.world.client(who).await?;
        let begun = Instant::now();
        loop {
            // A node that knows the form not yet refuses; that is a state like any other.
            match is_so(&client).await {
                Ok(true) => return Ok(()),
                Ok(false) | Err(ClientError::Refused(_)) => {}
                Err(error) => return Err(words::asked(&error)),
            }
            if begun.elapsed() > WAIT_MAX {
                return Err(words::waited_in_vain(what, ""));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the two totals are as wanted; every change on the way is a row of the table.
    pub(super) async fn until_totals(
        &mut self,
        what: &Both,
        are_so: impl Fn(&Pair) -> bool,
    ) -> Result<Pair, Broken> {
        let begun = Instant::now();
        loop {
            let pair = self.totals().await?;
            if let Some(pair) = pair {
                self.board.show(&pair, self.ledger);
                if are_so(&pair) {
                    return Ok(pair);
                }
            }
            if begun.elapsed() > WAIT_MAX {
                return Err(words::waited_in_vain(what, ""));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The totals as they are now; none while a node does not know the form.
    async fn totals(&self) -> Result<Option<Pair>, Broken> {
        let district = self.total(Who::District, None).await?;
        let province = self.total(Who::Province, None).await?;
        Ok(district
            .zip(province)
            .map(|(district, province)| Pair { district, province }))
    }

    /// Shows what has changed without waiting for anything.
    pub(super) async fn look(&mut self) -> Result<(), Broken> {
        if let Some(pair) = self.totals().await? {
            self.board.show(&pair, self.ledger);
        }
        Ok(())
    }

    /// A unit's total at a node.
    pub(super) async fn total(
        &self,
        who: Who,
        unit: Option<&str>,
    ) -> Result<Option<TotalView>, Broken> {
        let client = self.world.client(who).await?;
        match client.rollup_show(&total_query(unit, None)).await {
            Ok(total) => Ok(Some(total)),
            Err(ClientError::Refused(_)) => Ok(None),
            Err(error) => Err(words::asked(&error)),
        }
    }

    /// A commune's report as a node has it.
    pub(super) async fn report(
        &self,
        who: Who,
        commune: usize,
    ) -> Result<Option<ReportView>, Broken> {
        let client = self.world.client(who).await?;
        match client.report_show(&self.selector(commune)).await {
            Ok(report) => Ok(Some(report)),
            Err(ClientError::Refused(_)) => Ok(None),
            Err(error) => Err(words::asked(&error)),
        }
    }

    /// A commune's report, named so that any node knows it.
    pub(super) fn selector(&self, commune: usize) -> Selector {
        let unit = self
            .world
            .cast
            .communes
            .get(commune)
            .map(|player| player.unit.to_string());
        Selector {
            unit,
            form: FORM.to_owned(),
            period: PERIOD.to_owned(),
            instance: 0,
        }
    }
}

/// A total, as it is asked for.
pub(super) fn total_query(unit: Option<&str>, code: Option<&str>) -> TotalQuery {
    TotalQuery {
        unit: unit.map(str::to_owned),
        form: FORM.to_owned(),
        period: PERIOD.to_owned(),
        code: code.map(str::to_owned),
    }
}

/// Figures as the table that `report set --csv` reads.
pub(super) fn csv(entries: &[Entry]) -> String {
    let mut text = String::from("code,office,value\n");
    for entry in entries {
        let part = entry.part.as_ref().map_or("", |office| office.as_str());
        text.push_str(&format!("{},{part},{}\n", entry.code, entry.value));
    }
    text
}
