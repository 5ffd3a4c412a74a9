//! The damaged database. One that is encrypted is read on after a broken page by a new connection only.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use rusqlite::{Params, Row};

use crate::connection::{self, Access};
use crate::{DatabaseKey, DbError, Read};

pub(super) struct Old<'p> {
    path: &'p Path,
    key: Option<&'p DatabaseKey>,
    read: RefCell<Rc<Read>>,
}

impl<'p> Old<'p> {
    pub(super) fn open(path: &'p Path, key: Option<&'p DatabaseKey>) -> rusqlite::Result<Self> {
        let read = connection::open(path, Access::Read, key).map(Read::new)?;
        let read = RefCell::new(Rc::new(read));
        Ok(Self { path, key, read })
    }

    pub(super) fn read(&self) -> Rc<Read> {
        Rc::clone(&self.read.borrow())
    }

    /// After something could not be read.
    pub(super) fn renew(&self) {
        if self.key.is_none() || self.read().is_decrypted() {
            return;
        }
        // Where even that fails, the next read says so.
        if let Ok(db) = connection::open(self.path, Access::Read, self.key) {
            self.read.replace(Rc::new(Read::new(db)));
        }
    }

    pub(super) fn readable<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, DbError>,
    ) -> (Vec<T>, bool) {
        let answer = self.read().readable(sql, params, read);
        if answer.1 {
            self.renew();
        }
        answer
    }
}
