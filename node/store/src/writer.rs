//! The one that writes: takes what is queued, runs each job in a savepoint, commits once, and only
//! then tells each job's done.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hopluu_model::{Epoch, NodeId, UnitId};
use rusqlite::{ErrorCode, Params, ffi};

use crate::docs::bounded;
use crate::limits::{BODY_BYTES_MAX, GROUP_JOBS_MAX, META_NAME_BYTES_MAX, QUEUE_JOBS_MAX};
use crate::read::META_EPOCH;
use crate::{DbError, Read, WriteError};

/// What a job works on: all queries of [`Read`], which see what the job has written, and the
/// writes. Everything a job writes becomes durable together or not at all.
pub struct WriteTx<'t> {
    read: &'t Read,
    /// The first failure of the disk, which the job's own error may hide.
    trouble: Option<ffi::Error>,
}

impl fmt::Debug for WriteTx<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WriteTx").finish_non_exhaustive()
    }
}

impl Deref for WriteTx<'_> {
    type Target = Read;

    fn deref(&self) -> &Read {
        self.read
    }
}

impl<'t> WriteTx<'t> {
    pub(crate) fn new(read: &'t Read) -> Self {
        Self {
            read,
            trouble: None,
        }
    }
}

impl WriteTx<'_> {
    /// Sets a value by name.
    pub fn set_meta(&mut self, name: &str, value: &[u8]) -> Result<(), DbError> {
        bounded("a name", name.as_bytes(), META_NAME_BYTES_MAX)?;
        bounded("a value", value, BODY_BYTES_MAX)?;
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.run(sql, (name, value))?;
        Ok(())
    }

    /// Begins a new life: after a restore, so that peers notice that the journal is not the one
    /// they know.
    pub fn set_epoch(&mut self, epoch: Epoch) -> Result<(), DbError> {
        self.set_meta(META_EPOCH, epoch.as_bytes())
    }

    /// Tries something within the job: where it fails, nothing that it wrote remains, and the job goes
    /// on.
    ///
    /// # Errors
    /// Those of `work`, or the disk's.
    pub fn attempt<T, E: From<DbError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run("SAVEPOINT attempt", ())?;
        let worked = work(self);
        if worked.is_err() {
            self.run("ROLLBACK TO attempt", ())?;
            self.read.forget_numbers();
        }
        self.run("RELEASE attempt", ())?;
        worked
    }

    pub(crate) fn run(&mut self, sql: &str, params: impl Params) -> Result<usize, DbError> {
        let done = self
            .read
            .db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params));
        done.map_err(|error| {
            if let Some(code) = error.sqlite_error().filter(|code| is_trouble(**code)) {
                self.trouble.get_or_insert(*code);
            }
            error.into()
        })
    }

    /// Runs an insert and gives the new row's number.
    pub(crate) fn insert(&mut self, sql: &str, params: impl Params) -> Result<i64, DbError> {
        self.run(sql, params)?;
        Ok(self.read.db.last_insert_rowid())
    }

    pub(crate) fn intern_unit(&mut self, unit: &UnitId) -> Result<i64, DbError> {
        match self.unit_number(unit)? {
            Some(number) => Ok(number),
            None => self.insert("INSERT INTO units (unit) VALUES (?1)", [unit.to_string()]),
        }
    }

    pub(crate) fn intern_node(&mut self, node: NodeId) -> Result<i64, DbError> {
        match self.node_number(node)? {
            Some(number) => Ok(number),
            None => self.insert("INSERT INTO nodes (node) VALUES (?1)", [node.as_bytes()]),
        }
    }

    /// The number of whom something came from, where it came from somebody.
    pub(crate) fn intern_origin(&mut self, origin: Option<NodeId>) -> Result<Option<i64>, DbError> {
        origin.map(|node| self.intern_node(node)).transpose()
    }
}

/// Failures that are nobody's refusal: the disk, or memory, or damage.
fn is_trouble(error: ffi::Error) -> bool {
    matches!(
        error.code,
        ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::ReadOnly
    )
}

/// A job in the queue, its types forgotten.
pub(crate) trait Job: Send {
    /// Runs the job and keeps its answer.
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Ran;
    /// Tells the answer, or that it is void because of `failure`.
    fn finish(self: Box<Self>, failure: Option<Failure>);
}

/// How a job left its savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    Kept,
    Refused,
    Panicked,
}

/// Why nothing of a job is stored though it did not refuse.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    Sqlite(ffi::Error),
    Panicked,
    Overloaded,
    Closed,
}

impl Failure {
    fn of(error: &rusqlite::Error) -> Self {
        let unknown = ffi::Error::new(ffi::SQLITE_ERROR);
        Self::Sqlite(error.sqlite_error().copied().unwrap_or(unknown))
    }

    fn into_error<E>(self) -> WriteError<E> {
        match self {
            Self::Panicked => WriteError::Panicked,
            Self::Overloaded => WriteError::Overloaded,
            Self::Closed => WriteError::Closed,
            Self::Sqlite(code) if code.code == ErrorCode::DiskFull => WriteError::DiskFull,
            Self::Sqlite(code) => WriteError::Db(rusqlite::Error::SqliteFailure(code, None).into()),
        }
    }
}

/// A job and its done.
pub(crate) struct Pending<T, E, J, D> {
    job: Option<J>,
    answer: Option<Result<T, E>>,
    done: D,
}

impl<T, E, J, D> Pending<T, E, J, D> {
    pub(crate) fn new(job: J, done: D) -> Self {
        Self {
            job: Some(job),
            answer: None,
            done,
        }
    }
}

impl<T, E, J, D> Job for Pending<T, E, J, D>
where
    T: Send,
    E: Send,
    J: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send,
    D: FnOnce(Result<T, WriteError<E>>) + Send,
{
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Ran {
        let Some(job) = self.job.take() else {
            return Ran::Refused;
        };
        match catch_unwind(AssertUnwindSafe(|| job(tx))) {
            Ok(answer) => {
                let ran = if answer.is_ok() {
                    Ran::Kept
                } else {
                    Ran::Refused
                };
                self.answer = Some(answer);
                ran
            }
            Err(_) => Ran::Panicked,
        }
    }

    fn finish(self: Box<Self>, failure: Option<Failure>) {
        let Self { answer, done, .. } = *self;
        let told = match (failure, answer) {
            (Some(failure), _) => Err(failure.into_error()),
            (None, Some(Ok(answer))) => Ok(answer),
            (None, Some(Err(refusal))) => Err(WriteError::Refused(refusal)),
            (None, None) => Err(WriteError::Closed),
        };
        // The writer must outlive a done that panics.
        if catch_unwind(AssertUnwindSafe(|| done(told))).is_err() {
            tracing::error!(code = "store-done-panicked", "done of a write panicked");
        }
    }
}

pub(crate) type BoxedJob = Box<dyn Job>;

/// Counts of the writer, readable at any time.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) jobs: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) is_disk_full: AtomicBool,
}

/// Jobs that wait, in order.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<BoxedJob>,
    is_closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing is left half-done under this lock, so a panic elsewhere does not spoil it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job in, or tells its done at once why not.
    pub(crate) fn push(&self, job: BoxedJob) {
        let refused = {
            let mut waiting = self.lock();
            if waiting.is_closed {
                Some((job, Failure::Closed))
            } else if waiting.jobs.len() >= QUEUE_JOBS_MAX {
                Some((job, Failure::Overloaded))
            } else {
                waiting.jobs.push_back(job);
                None
            }
        };
        match refused {
            Some((job, failure)) => job.finish(Some(failure)),
            None => self.changed.notify_one(),
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// No job comes in any more; what waits is still done.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Takes a group, waiting for one; `None` once the queue is closed and empty.
    fn take_waiting(&self) -> Option<Vec<BoxedJob>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting = self
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Some(group(&mut waiting.jobs))
    }

    /// Takes a group without waiting; empty if nothing waits.
    pub(crate) fn take(&self) -> Vec<BoxedJob> {
        group(&mut self.lock().jobs)
    }

    /// Throws away what waits; no done is told.
    pub(crate) fn take_all(&self) {
        let jobs = std::mem::take(&mut self.lock().jobs);
        // Outside the lock: what a job holds may queue another when it goes.
        drop(jobs);
    }
}

fn group(jobs: &mut VecDeque<BoxedJob>) -> Vec<BoxedJob> {
    let count = jobs.len().min(GROUP_JOBS_MAX);
    jobs.drain(..count).collect()
}

/// The writer thread: runs until the queue is closed and empty, and gives the connection back.
pub(crate) fn run(
    mut read: Read,
    queue: &Queue,
    counters: &Counters,
    renew: &dyn Fn(&Read) -> Option<Read>,
) -> Read {
    while let Some(jobs) = queue.take_waiting() {
        for finished in run_group(&read, jobs, counters) {
            finished.tell();
        }
        if let Some(fresh) = renew(&read) {
            read = fresh;
        }
    }
    read
}

/// A job whose fate is durable.
pub(crate) struct Finished {
    job: BoxedJob,
    failure: Option<Failure>,
}

impl Finished {
    pub(crate) fn tell(self) {
        self.job.finish(self.failure);
    }
}

/// Runs jobs in one transaction, or in several where SQLite gave one up half-way.
pub(crate) fn run_group(read: &Read, jobs: Vec<BoxedJob>, counters: &Counters) -> Vec<Finished> {
    counters
        .jobs
        .fetch_add(jobs.len() as u64, Ordering::Relaxed);
    let mut finished = Vec::with_capacity(jobs.len());
    let mut waiting = VecDeque::from(jobs);
    while !waiting.is_empty() {
        let first = finished.len();
        let failure = run_transaction(read, &mut waiting, &mut finished).err();
        let met = finished.iter().skip(first).find_map(|job| job.failure);
        note(failure, met, counters);
        if let Some(failure) = failure {
            for job in finished.iter_mut().skip(first) {
                job.failure.get_or_insert(failure);
            }
        }
    }
    finished
}

/// Runs what waits until it is committed or the transaction breaks; what was not begun stays.
fn run_transaction(
    read: &Read,
    waiting: &mut VecDeque<BoxedJob>,
    finished: &mut Vec<Finished>,
) -> Result<(), Failure> {
    if let Err(error) = read.db.execute_batch("BEGIN IMMEDIATE") {
        let failure = Failure::of(&error);
        let jobs = waiting.drain(..).map(|job| Finished {
            job,
            failure: Some(failure),
        });
        finished.extend(jobs);
        return Err(failure);
    }
    while let Some(mut job) = waiting.pop_front() {
        let ran = run_job(read, &mut job);
        let broken = read.db.is_autocommit();
        let failure = ran.err();
        finished.push(Finished { job, failure });
        if broken {
            // SQLite has rolled everything back: the jobs before this one are void with it.
            read.forget_numbers();
            return Err(failure.unwrap_or(Failure::Sqlite(ffi::Error::new(ffi::SQLITE_ABORT))));
        }
    }
    read.db.execute_batch("COMMIT").map_err(|error| {
        let failure = Failure::of(&error);
        // Fails where SQLite has rolled back already, which is what is wanted.
        read.db.execute_batch("ROLLBACK").ok();
        read.forget_numbers();
        failure
    })
}

/// Runs one job in its savepoint. An error is what the done is told in place of the job's answer.
fn run_job(read: &Read, job: &mut BoxedJob) -> Result<(), Failure> {
    let step = |sql: &str| {
        read.db
            .execute_batch(sql)
            .map_err(|error| Failure::of(&error))
    };
    step("SAVEPOINT job")?;
    let mut tx = WriteTx::new(read);
    let ran = job.run(&mut tx);
    let trouble = tx.trouble.map(Failure::Sqlite);
    if read.db.is_autocommit() {
        let lost = Failure::Sqlite(ffi::Error::new(ffi::SQLITE_ABORT));
        return Err(trouble.unwrap_or(lost));
    }
    match (ran, trouble) {
        (Ran::Kept, None) => return step("RELEASE job"),
        (_, trouble) => {
            step("ROLLBACK TO job; RELEASE job")?;
            read.forget_numbers();
            if let Some(failure) = trouble {
                return Err(failure);
            }
        }
    }
    match ran {
        Ran::Panicked => Err(Failure::Panicked),
        Ran::Kept | Ran::Refused => Ok(()),
    }
}

/// Counts the transaction, and says once when the disk gets full and once when it has room again.
fn note(failure: Option<Failure>, met: Option<Failure>, counters: &Counters) {
    let counter = match failure {
        None => &counters.commits,
        Some(_) => &counters.failures,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    let is_full = matches!(
        failure.or(met),
        Some(Failure::Sqlite(code)) if code.code == ErrorCode::DiskFull
    );
    match (
        counters.is_disk_full.swap(is_full, Ordering::Relaxed),
        is_full,
    ) {
        (false, true) => tracing::error!(code = "store-disk-full", "disk is full"),
        (true, false) => tracing::info!("disk has room again"),
        _ => {}
    }
}
