//! The front door of a running engine, for everything that is not a peer.

mod audit;
mod publish;
mod rights;

use std::sync::Arc;

use hopluu_form::Form;
use hopluu_model::tree::TreeEvent;
use hopluu_model::{Date, NodeId, Place, Seq, Timestamp};
use hopluu_sync::Spent;
use tokio::sync::{Mutex, Semaphore, broadcast, mpsc, oneshot};

use crate::attach::Prepared;
use crate::bundle::{BundleMade, BundleRequest, Reader};
use crate::core::Core;
use crate::error::CommandError;
use crate::limits::{ASIDES_MAX, RECOMPUTES_MAX};
use crate::parcels::{Due, Made};
use crate::people::{Acting, Asker, Guesses};
use crate::status::backup;
use crate::turn::{Reply, Turn};
use crate::view::{
    AttachRequest, AttachmentPart, AttachmentView, BundleTaken, ExplainView, FormRow, HistoryRow,
    InviteView, LinkView, RecomputeView, ReportRow, ReportView, SaveRequest, Saved, Selector,
    StatusView, TotalView, UnitView, UpstreamView, WatchEvent,
};

/// A command on its way to the loop.
pub(crate) type Request = Box<dyn FnOnce(&mut Core, &mut Turn) + Send>;

/// Asks the engine; cheap to clone, and safe to drop at any time.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
    events: broadcast::Sender<WatchEvent>,
    asides: Arc<Semaphore>,
    guesses: Guesses,
    publishing: Arc<Mutex<()>>,
    /// Whose requests these are; the program's own before [`Self::of_session`].
    asked_by: Option<(Asker, Option<Arc<Acting>>)>,
}

/// What `report list` is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct ReportFilter {
    /// Only this form.
    pub form: Option<String>,
    /// Only this period.
    pub period: Option<String>,
    /// Only this unit, by code.
    pub unit: Option<String>,
}

/// Which total is meant, as a person types it.
#[derive(Debug, Clone)]
pub struct TotalSelector {
    /// A unit's code; none means the node's own.
    pub unit: Option<String>,
    /// The form's name.
    pub form: String,
    /// The period's label.
    pub period: String,
}

/// What a new ticket is for.
#[derive(Debug, Clone)]
pub struct InviteRequest {
    /// The unit of the new node; the inviting node's own for an office.
    pub unit: Option<String>,
    /// The office of the new node.
    pub office: Option<String>,
    /// Addresses under which the joiner reaches this node; its listen address if empty.
    pub addresses: Vec<String>,
    /// How long the ticket is good, in hours.
    pub hours: u32,
}

impl Handle {
    pub(crate) fn new(
        requests: mpsc::Sender<Request>,
        events: broadcast::Sender<WatchEvent>,
    ) -> Self {
        Self {
            requests,
            events,
            asides: Arc::new(Semaphore::new(ASIDES_MAX)),
            guesses: Guesses::default(),
            publishing: Arc::default(),
            asked_by: None,
        }
    }

    pub(crate) fn asked_by(&self, asker: Asker, acting: Option<Acting>) -> Self {
        Self {
            asked_by: Some((asker, acting.map(Arc::new))),
            ..self.clone()
        }
    }

    pub(crate) fn acting(&self) -> Option<&Acting> {
        self.asked_by.as_ref()?.1.as_deref()
    }

    pub(crate) fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    /// Everything that happens from now on. A listener that falls behind is told how much it missed.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<WatchEvent> {
        self.events.subscribe()
    }

    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, CommandError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Core, Timestamp) -> Result<T, CommandError> + Send + 'static,
    {
        self.write(move |core, turn, reply: Reply<T>| reply(read(core, turn.now)))
            .await
    }

    pub(crate) async fn write<T, F>(&self, write: F) -> Result<T, CommandError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Core, &mut Turn, Reply<T>) + Send + 'static,
    {
        let (tx, rx) = oneshot::channel();
        let reply: Reply<T> = Box::new(move |result| {
            // The asker may have gone away; what was done stays done.
            let _asker_left = tx.send(result);
        });
        let asker = self.asked_by.as_ref().map(|(asker, _)| *asker);
        let request: Request = Box::new(move |core, turn| {
            // Who may ask is settled when the request is carried out: a stream of them may outlive its session.
            let acting = asker.map_or(Ok(None), |asker| core.who_asks(asker, turn.now));
            match acting {
                Ok(acting) => core.acting = acting.map(Arc::new),
                Err(error) => return reply(Err(error)),
            }
            write(core, turn, reply);
            core.acting = None;
        });
        self.requests
            .send(request)
            .await
            .map_err(|_| CommandError::Stopping)?;
        rx.await.map_err(|_| CommandError::Stopping)?
    }

    /// Reads for long beside the loop, which serves peers and clerks meanwhile.
    pub(crate) async fn aside<T, F>(&self, work: F) -> Result<T, CommandError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, CommandError> + Send + 'static,
    {
        let stopping = || CommandError::Stopping;
        let turn = Arc::clone(&self.asides).acquire_owned().await;
        let turn = turn.map_err(|_| stopping())?;
        let worked = tokio::task::spawn_blocking(move || {
            let _until_done = turn;
            work()
        });
        worked.await.map_err(|_| stopping())?
    }

    /// The node as a whole.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn status(&self) -> Result<StatusView, CommandError> {
        self.read(|core, now| core.status(now)).await
    }

    /// What other nodes are owed, what links to them carry and have cost.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn link_list(&self) -> Result<Vec<LinkView>, CommandError> {
        self.read(|core, now| core.link_views(now)).await
    }

    /// Calls the addresses of the settings now, on new links even where links stand; gives all of them. Those whose
    /// hours it is not, and those that stand by, are left alone.
    ///
    /// # Errors
    /// When the node stops.
    pub async fn link_call(&self) -> Result<Vec<UpstreamView>, CommandError> {
        self.write(|core, turn, reply| {
            core.call_wanted(turn);
            reply(Ok(core.upstream_views()));
        })
        .await
    }

    /// Reports here, with how far each got.
    ///
    /// # Errors
    /// When a filter names nothing, or the store cannot be read.
    pub async fn report_list(&self, filter: ReportFilter) -> Result<Vec<ReportRow>, CommandError> {
        let listing = self.read(move |core, _| core.listing(&filter)).await?;
        self.aside(move || listing.run()).await
    }

    /// One report.
    ///
    /// # Errors
    /// When the selector names none, or it cannot be read.
    pub async fn report_show(&self, report: Selector) -> Result<ReportView, CommandError> {
        self.read(move |core, _| core.report_show(&report)).await
    }

    /// Who changed a report, newest last.
    ///
    /// # Errors
    /// When the selector names none, or it cannot be read.
    pub async fn report_history(&self, report: Selector) -> Result<Vec<HistoryRow>, CommandError> {
        self.read(move |core, _| core.report_history(&report)).await
    }

    /// Opens a report, empty or with the figures of the period before.
    ///
    /// # Errors
    /// When it is there already, does not fit the form, or could not be made durable.
    pub async fn report_new(
        &self,
        report: Selector,
        office: Option<String>,
        is_like_last: bool,
    ) -> Result<Saved, CommandError> {
        self.write(move |core, turn, reply| {
            core.report_new(turn, &report, office.as_deref(), is_like_last, reply);
        })
        .await
    }

    /// Saves edits as one change. The answer comes when they are on disk.
    ///
    /// # Errors
    /// When an edit does not fit the form, or nothing could be made durable; then nothing changed.
    pub async fn report_save(&self, save: SaveRequest) -> Result<Saved, CommandError> {
        self.write(move |core, turn, reply| core.report_save(turn, &save, reply))
            .await
    }

    /// Takes back the last save made here in this report.
    ///
    /// # Errors
    /// When there is none, or the store failed.
    pub async fn report_undo(
        &self,
        report: Selector,
        office: Option<String>,
    ) -> Result<Saved, CommandError> {
        self.write(move |core, turn, reply| {
            core.report_undo(turn, &report, office.as_deref(), reply);
        })
        .await
    }

    /// Names a file in a report and keeps its bytes, both or neither.
    ///
    /// # Errors
    /// When the file is not one to be attached, there is no room for it, or the report is not to be written.
    pub async fn attach(
        &self,
        request: AttachRequest,
        content: Vec<u8>,
    ) -> Result<Saved, CommandError> {
        let (name, caption) = (request.name.clone(), request.caption.clone());
        // Hashing 50 MB takes longer than the loop may.
        let prepare = move || Prepared::new(content, &name, &caption);
        let file = self.aside(prepare).await?;
        self.write(move |core, turn, reply| core.attach(turn, &request, file, reply))
            .await
    }

    /// The attachments of a report, in the order in which they came.
    ///
    /// # Errors
    /// When the selector names none, or it cannot be read.
    pub async fn attachments(&self, report: Selector) -> Result<Vec<AttachmentView>, CommandError> {
        self.read(move |core, _| core.attachments(&report)).await
    }

    /// A stretch of an attachment, from a place that the one before it has named.
    ///
    /// # Errors
    /// When there is no such attachment, or it is not all here.
    pub async fn attachment_part(
        &self,
        report: Selector,
        attachment: String,
        from: u16,
    ) -> Result<AttachmentPart, CommandError> {
        self.read(move |core, _| core.attachment_part(&report, &attachment, from))
            .await
    }

    /// The total of a unit.
    ///
    /// # Errors
    /// When the selector names none, or the store cannot be read.
    pub async fn rollup_show(&self, total: TotalSelector) -> Result<TotalView, CommandError> {
        self.read(move |core, _| core.rollup_show(&total)).await
    }

    /// What a total was made of, down to documents, heads and authors.
    ///
    /// # Errors
    /// When the selector names none, or the store cannot be read.
    pub async fn rollup_explain(
        &self,
        total: TotalSelector,
        code: Option<String>,
    ) -> Result<ExplainView, CommandError> {
        self.read(move |core, _| core.rollup_explain(&total, code.as_deref()))
            .await
    }

    /// Loads every document again and compares what they add up to with what is kept.
    ///
    /// # Errors
    /// When the selector names none, or a document cannot be read.
    pub async fn rollup_recompute(
        &self,
        total: TotalSelector,
    ) -> Result<RecomputeView, CommandError> {
        let mut view = self.recompute_once(&total).await?;
        for _ in 1..RECOMPUTES_MAX {
            if view.kept == view.recomputed {
                break;
            }
            // What changes meanwhile may be in the one and not in the other.
            let again = self.recompute_once(&total).await?;
            let has_moved = again.kept != view.kept;
            view = again;
            if !has_moved {
                break;
            }
        }
        Ok(view)
    }

    async fn recompute_once(&self, total: &TotalSelector) -> Result<RecomputeView, CommandError> {
        let total = total.clone();
        let recompute = self.read(move |core, _| core.recompute(&total)).await?;
        self.aside(move || recompute.run()).await
    }

    /// The forms known here.
    ///
    /// # Errors
    /// When the engine is stopping.
    pub async fn form_list(&self) -> Result<Vec<FormRow>, CommandError> {
        self.read(|core, _| Ok(core.form_list())).await
    }

    /// One form in its newest version.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn form_show(&self, form: String) -> Result<Arc<Form>, CommandError> {
        self.read(move |core, _| core.form_show(&form)).await
    }

    /// Hands a form down to everyone below, or to the named units only.
    ///
    /// # Errors
    /// When it does not parse, is older than the one known, or this node may not issue.
    pub async fn form_add(
        &self,
        source: String,
        assigned: Vec<String>,
    ) -> Result<FormRow, CommandError> {
        self.write(move |core, turn, reply| core.form_add(turn, &source, &assigned, reply))
            .await
    }

    /// One unit on a day.
    ///
    /// # Errors
    /// When the text names none or several.
    pub async fn unit_show(
        &self,
        unit: Option<String>,
        on: Option<Date>,
    ) -> Result<UnitView, CommandError> {
        self.read(move |core, now| core.unit_show(unit.as_deref(), on, now))
            .await
    }

    /// A unit and everything below it on a day, parents before children.
    ///
    /// # Errors
    /// When the text names none or several.
    pub async fn unit_tree(
        &self,
        unit: Option<String>,
        on: Option<Date>,
    ) -> Result<Vec<UnitView>, CommandError> {
        self.read(move |core, now| core.unit_tree(unit.as_deref(), on, now))
            .await
    }

    /// Hands a change of the unit tree down to everyone below.
    ///
    /// # Errors
    /// When the event does not fit the tree, or this node may not issue.
    pub async fn units_add(&self, event: TreeEvent) -> Result<(), CommandError> {
        self.write(move |core, turn, reply| core.units_add(turn, &event, reply))
            .await
    }

    /// Issues a one-time ticket for a new node below or beside this one.
    ///
    /// # Errors
    /// When the unit is not below, the office unknown, or this node may not issue.
    pub async fn invite(&self, invite: InviteRequest) -> Result<InviteView, CommandError> {
        self.write(move |core, turn, reply| core.invite(turn, &invite, reply))
            .await
    }

    /// Makes bundles, part by part: each is made when the one before it was taken.
    ///
    /// # Errors
    /// When nobody is known who could open them, or the report is not here. What fails later ends the
    /// parts.
    pub async fn bundle_export(
        &self,
        request: BundleRequest,
    ) -> Result<mpsc::Receiver<Result<BundleMade, CommandError>>, CommandError> {
        let report = request.report.clone().filter(|_| request.anew);
        let not_before = match report {
            None => Seq(0),
            Some(report) => {
                self.write(move |core, turn, reply| core.bundle_anew(turn, &report, reply))
                    .await?
            }
        };
        let exporting = self.read(move |core, now| core.bundle_export(&request, not_before, now));
        let exporting = exporting.await?;
        let (out, parts) = mpsc::channel(1);
        let handle = self.clone();
        tokio::spawn(async move {
            let stopped = out.clone();
            let made = handle.aside(move || {
                exporting.run(&out);
                Ok(())
            });
            if let Err(error) = made.await {
                // Whoever has left does not hear it.
                let _nobody_waits = stopped.send(Err(error)).await;
            }
        });
        Ok(parts)
    }

    /// Takes a bundle in. The answer comes when all of it is on disk.
    ///
    /// # Errors
    /// When it is no bundle, was changed on its way, is for somebody else, or by somebody who is not
    /// enrolled; then nothing of it is kept.
    pub async fn bundle_import(&self, bytes: Vec<u8>) -> Result<BundleTaken, CommandError> {
        let reader = self.read(|core, _| Ok(Reader::of(core))).await?;
        let opened = self.aside(move || Ok(reader.open(&bytes)?)).await?;
        self.write(move |core, turn, reply| core.bundle_take(turn, opened, reply))
            .await
    }

    /// Takes in a parcel that was for this node. One that brought news is answered by one; an answer that brought
    /// none is not, or two nodes would go on for ever. Whether it is answered.
    pub(crate) async fn parcel_import(&self, bytes: Vec<u8>) -> Result<bool, CommandError> {
        let taken = self.bundle_import(bytes).await?;
        let from = taken.bundle.from.node;
        let is_news = taken.new > 0;
        self.read(move |core, _| {
            if is_news {
                core.parcel_came(from);
            }
            Ok(is_news)
        })
        .await
    }

    /// For whom parcels are due.
    pub(crate) async fn parcels_due(&self, after_s: Option<u64>) -> Result<Due, CommandError> {
        self.write(move |core, turn, reply: Reply<Due>| {
            reply(Ok(core.parcels_due(turn.steady, turn.now, after_s)));
        })
        .await
    }

    /// Whether what is carried for others may go to a superior now.
    pub(crate) async fn parcels_may_go(&self, node: NodeId) -> Result<bool, CommandError> {
        self.read(move |core, _| {
            let upstream = core.idle_upstream();
            Ok(upstream.is_some_and(|upstream| upstream.node == node))
        })
        .await
    }

    /// What an exchange of parcels has cost. The office network, and who has nothing else to do with this node, have no
    /// account.
    pub(crate) async fn parcels_spent(
        &self,
        peer: Place,
        spent: Spent,
    ) -> Result<(), CommandError> {
        self.write(move |core, turn, reply: Reply<()>| {
            if core.is_on_line(&peer) {
                core.spend(turn, peer.node, &spent);
            }
            reply(Ok(()));
        })
        .await
    }

    /// What was made of those.
    pub(crate) async fn parcels_made(&self, made: Vec<Made>) -> Result<(), CommandError> {
        self.read(move |core, _| {
            core.parcels_made(made);
            Ok(())
        })
        .await
    }

    /// Copies the database to a file while the node works on. Answers the bytes written.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub async fn backup(&self, path: std::path::PathBuf) -> Result<u64, CommandError> {
        let store = self.read(|core, _| Ok(core.store().clone())).await?;
        self.aside(move || backup(&store, &path)).await
    }
}
