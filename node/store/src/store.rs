//! The store's front door: [`Store`], by which jobs go in and readers come out.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::connection::{self, Access};
use crate::limits::{READERS_KEPT_MAX, READERS_MAX};
use crate::open::{open_in_memory, open_writer};
use crate::writer::{self, Counters, Pending, Queue};
use crate::{
    BackupError, BackupProgress, DbError, Encryption, OpenError, OpenOptions, Read, WriteError,
    WriteTx, backup,
};

/// Where a store without a thread keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// In memory: the connection is the disk.
    Memory,
    /// In a file.
    File(PathBuf),
}

/// A handle to the store; clones share it. The last one to go writes what is queued and closes.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    side: Side,
    /// What its readers and copies are opened with.
    encryption: Option<Encryption>,
}

/// Who runs the jobs.
enum Side {
    Thread {
        path: PathBuf,
        writer: Mutex<Option<JoinHandle<Read>>>,
        pool: Mutex<Pool>,
        returned: Condvar,
    },
    /// Nobody, until the owner pumps. `None` once the disk belongs to another instance.
    Manual { disk: Mutex<Option<Read>> },
}

/// Read connections that are idle, and how many are out.
#[derive(Default)]
struct Pool {
    idle: Vec<Read>,
    out: usize,
    is_closed: bool,
}

/// What the writer has done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterStats {
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs that were run.
    pub jobs: u64,
    /// Transactions that were committed.
    pub commits: u64,
    /// Transactions that failed.
    pub failures: u64,
    /// Whether the last write failed for want of room.
    pub is_disk_full: bool,
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Store")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a database file and starts its writer thread.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let read = Read::new(open_writer(path, options)?);
        let queue = Arc::new(Queue::default());
        let counters = Arc::new(Counters::default());
        let (own_path, own_options) = (path.to_path_buf(), options.clone());
        let renew = move |read: &Read| {
            let is_due = own_options.encryption.is_some() && !read.is_decrypted();
            is_due.then(|| open_writer(&own_path, &own_options).ok().map(Read::new))?
        };
        let (their_queue, their_counters) = (Arc::clone(&queue), Arc::clone(&counters));
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(read, &their_queue, &their_counters, &renew))
            .map_err(|source| OpenError::File {
                path: path.to_path_buf(),
                source,
            })?;
        let side = Side::Thread {
            path: path.to_path_buf(),
            writer: Mutex::new(Some(writer)),
            pool: Mutex::default(),
            returned: Condvar::new(),
        };
        Ok(Self::new(queue, counters, side, options.encryption.clone()))
    }

    /// Opens a store without a thread: queued jobs run when [`pump`](Self::pump) is called, so that
    /// a simulation decides when.
    pub fn open_manual(medium: &Medium, options: &OpenOptions) -> Result<Self, OpenError> {
        let (db, encryption) = match medium {
            Medium::Memory => (open_in_memory(options)?, None),
            Medium::File(path) => (open_writer(path, options)?, options.encryption.clone()),
        };
        Ok(Self::manual(Read::new(db), encryption))
    }

    fn manual(disk: Read, encryption: Option<Encryption>) -> Self {
        let disk = Mutex::new(Some(disk));
        let side = Side::Manual { disk };
        Self::new(Arc::default(), Arc::default(), side, encryption)
    }

    fn new(
        queue: Arc<Queue>,
        counters: Arc<Counters>,
        side: Side,
        encryption: Option<Encryption>,
    ) -> Self {
        let inner = Arc::new(Inner {
            queue,
            counters,
            side,
            encryption,
        });
        Self { inner }
    }

    /// Queues a job; never waits. `done` is told once the job's fate is durable: on the writer's
    /// thread, in the order of the queue, and at once where the queue is full or closed.
    pub fn submit<T, E, J, D>(&self, job: J, done: D)
    where
        T: Send + 'static,
        E: Send + 'static,
        J: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
        D: FnOnce(Result<T, WriteError<E>>) + Send + 'static,
    {
        self.inner.queue.push(Box::new(Pending::new(job, done)));
    }

    /// Runs a job and waits for its fate; a store without a thread is pumped. Not for the engine's
    /// loop, which must not wait.
    pub fn write<T, E, J>(&self, job: J) -> Result<T, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
        J: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (told, fate) = sync_channel(1);
        self.submit(job, move |answer| {
            // Fails only if the caller is gone, and then nobody wants to know.
            told.send(answer).ok();
        });
        if matches!(self.inner.side, Side::Manual { .. }) {
            self.pump();
        }
        fate.recv().unwrap_or(Err(WriteError::Closed))
    }

    /// Runs all queued jobs of a store without a thread, then their dones; says how many. Jobs that
    /// a done queues wait for the next call. Must not be called while a [`Reader`] is held.
    pub fn pump(&self) -> usize {
        let Side::Manual { disk } = &self.inner.side else {
            return 0;
        };
        let mut finished = Vec::new();
        {
            let disk = lock(disk);
            let Some(read) = disk.as_ref() else {
                return 0;
            };
            loop {
                let jobs = self.inner.queue.take();
                if jobs.is_empty() {
                    break;
                }
                finished.extend(writer::run_group(read, jobs, &self.inner.counters));
            }
        }
        let count = finished.len();
        for job in finished {
            job.tell();
        }
        count
    }

    /// Simulates a power cut on a store without a thread: what is queued is gone and its dones are
    /// never told; the disk, with all that was committed, belongs to the instance that comes back.
    #[must_use]
    pub fn crash(&self) -> Option<Self> {
        let Side::Manual { disk } = &self.inner.side else {
            return None;
        };
        self.inner.queue.close();
        self.inner.queue.take_all();
        let read = lock(disk).take()?;
        read.forget_numbers();
        Some(Self::manual(read, self.inner.encryption.clone()))
    }

    /// A reader of what is committed. At most [`READERS_MAX`] are out at a time; the next waits.
    pub fn read(&self) -> Result<Reader<'_>, DbError> {
        match &self.inner.side {
            Side::Manual { disk } => {
                let disk = lock(disk);
                if disk.is_none() {
                    return Err(DbError::Closed);
                }
                Ok(Reader(Held::Disk(disk)))
            }
            Side::Thread { path, .. } => {
                let idle = self.inner.borrow_reader()?;
                let read = match idle {
                    Some(read) => Ok(read),
                    None => {
                        let key = self.inner.encryption.as_ref().map(|by| &by.key);
                        connection::open(path, Access::Read, key).map(Read::new)
                    }
                };
                match read {
                    Ok(read) => Ok(Reader(Held::Pooled(Some(read), &self.inner))),
                    Err(error) => {
                        self.inner.return_reader(None);
                        Err(error.into())
                    }
                }
            }
        }
    }

    /// What the writer has done.
    #[must_use]
    pub fn stats(&self) -> WriterStats {
        let counters = &self.inner.counters;
        WriterStats {
            waiting: self.inner.queue.len(),
            jobs: counters.jobs.load(Ordering::Relaxed),
            commits: counters.commits.load(Ordering::Relaxed),
            failures: counters.failures.load(Ordering::Relaxed),
            is_disk_full: counters.is_disk_full.load(Ordering::Relaxed),
        }
    }

    /// Copies the store as it is now to a file that must not exist, while writing goes on.
    pub fn backup(
        &self,
        path: &Path,
        mut progress: impl FnMut(BackupProgress),
    ) -> Result<(), BackupError> {
        if path.exists() {
            let path = path.to_path_buf();
            return Err(BackupError::Exists { path });
        }
        let read = self.read().map_err(|source| BackupError::Copy {
            path: path.to_path_buf(),
            source,
        })?;
        let encryption = self.inner.encryption.as_ref();
        backup::copy_to(&read.db, path, encryption, &mut progress)
    }

    /// Writes what is queued, folds the log into the database and closes. What comes later is told
    /// that the store is closed.
    pub fn close(&self) -> Result<(), DbError> {
        self.inner.close()
    }
}

impl Inner {
    fn borrow_reader(&self) -> Result<Option<Read>, DbError> {
        let Side::Thread { pool, returned, .. } = &self.side else {
            return Err(DbError::Closed);
        };
        let mut pool = lock(pool);
        while pool.out >= READERS_MAX && !pool.is_closed {
            pool = returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        if pool.is_closed {
            return Err(DbError::Closed);
        }
        pool.out += 1;
        Ok(pool.idle.pop())
    }

    fn return_reader(&self, read: Option<Read>) {
        if let Side::Thread { pool, returned, .. } = &self.side {
            let mut pool = lock(pool);
            pool.out -= 1;
            if pool.idle.len() < READERS_KEPT_MAX && !pool.is_closed {
                pool.idle.extend(read);
            }
            returned.notify_one();
        }
    }

    fn close(&self) -> Result<(), DbError> {
        self.queue.close();
        let Side::Thread {
            writer,
            pool,
            returned,
            ..
        } = &self.side
        else {
            return Ok(());
        };
        let Some(writer) = lock(writer).take() else {
            return Ok(());
        };
        if writer.thread().id() == thread::current().id() {
            // The last handle went within a done: the thread ends by itself, after the queue.
            return Ok(());
        }
        let read = writer.join().map_err(|_| DbError::Closed)?;
        {
            let mut pool = lock(pool);
            pool.is_closed = true;
            pool.idle.clear();
            returned.notify_all();
        }
        // Another reader may still look at the log; then it stays and is folded in next time.
        let fold = "wal_checkpoint(truncate)";
        read.db
            .query_row(&format!("PRAGMA {fold}"), [], |_| Ok(()))?;
        read.db.close().map_err(|(_, error)| error.into())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            let error = hopluu_model::ErrorChain(&error).to_string();
            tracing::error!(
                code = "store-close-failed",
                error,
                "store did not close cleanly"
            );
        }
    }
}

/// A view of what is committed. Holding one for long keeps the log from shrinking.
pub struct Reader<'s>(Held<'s>);

enum Held<'s> {
    Disk(MutexGuard<'s, Option<Read>>),
    Pooled(Option<Read>, &'s Inner),
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Deref for Reader<'_> {
    type Target = Read;

    fn deref(&self) -> &Read {
        let read = match &self.0 {
            Held::Disk(disk) => disk.as_ref(),
            Held::Pooled(read, _) => read.as_ref(),
        };
        read.expect("a reader is made with its connection and loses it only when dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Held::Pooled(read, inner) = &mut self.0 {
            let is_sound = |read: &Read| inner.encryption.is_none() || read.is_decrypted();
            inner.return_reader(read.take().filter(is_sound));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these guard is whole between statements, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
