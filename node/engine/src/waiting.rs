//! What waits for something before it can come in, as people see it.

use std::collections::BTreeSet;

use hopluu_doc::{DocKey, unpack};
use hopluu_model::{ChangeHash, DocId, Timestamp};
use hopluu_store::{DbError, ParkedRow, Read, WriteError};
use hopluu_trust::{Record, Seal};

use crate::admit::{Waits, read_parked};
use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::resolve::unit_name;
use crate::turn::{Reply, Turn};
use crate::view::{ParkedReport, ParkedView};

impl Core {
    /// Everything that waits, in the order in which it came.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn parked_list(&self, now: Timestamp) -> Result<Vec<ParkedView>, CommandError> {
        let read = self.read()?;
        let rows = read.parked().map_err(CommandError::Store)?;
        let views = rows.iter().map(|row| self.parked_view(&read, now, row));
        views.collect()
    }

    fn parked_view(
        &self,
        read: &Read,
        now: Timestamp,
        row: &ParkedRow,
    ) -> Result<ParkedView, CommandError> {
        let (descriptor, body) = read_parked(&row.body).unwrap_or_default();
        let key = DocKey::decode(descriptor).ok();
        let why = Waits::from_number(row.reason);
        let waits_for = match (&key, why) {
            (Some(key), Some(why)) => self.waits_for(read, key, why, body),
            (None, _) => Ok(Record::decode(body)
                .map_or_else(|_| Vec::new(), |record| vec![record.author.to_string()])),
            (Some(_), None) => Ok(Vec::new()),
        };
        let (tree, day) = (self.tree(), clock::day(now));
        Ok(ParkedView {
            name: row.hash,
            from: row.node,
            from_unit: self.unit_of(&row.node),
            at: row.at,
            bytes: u64::try_from(row.body.len()).unwrap_or(u64::MAX),
            report: key.map(|key| ParkedReport {
                unit_name: unit_name(&tree, &key.unit, day),
                unit: key.unit,
                form: key.form,
                period: key.period,
            }),
            why: why.map_or("", Waits::as_str).to_owned(),
            waits_for: waits_for.map_err(CommandError::Store)?,
        })
    }

    /// The names of what a packet waits for.
    fn waits_for(
        &self,
        read: &Read,
        key: &DocKey,
        why: Waits,
        body: &[u8],
    ) -> Result<Vec<String>, DbError> {
        let unpacked = match why {
            Waits::Form => return Ok(vec![format!("{} {}", key.form, key.major)]),
            Waits::Merge => return Ok(Vec::new()),
            Waits::Author | Waits::Dependency => unpack(body).unwrap_or_default(),
        };
        let doc = key.id();
        let mut names = BTreeSet::new();
        if why == Waits::Author {
            for one in &unpacked {
                let seal = Seal::from_wire(&one.seal, doc, one.change.hash).ok();
                let unknown = seal.filter(|seal| self.registry().identity(&seal.author).is_none());
                names.extend(unknown.map(|seal| seal.author.to_string()));
            }
            return Ok(names.into_iter().collect());
        }
        let here: BTreeSet<ChangeHash> = unpacked.iter().map(|one| one.change.hash).collect();
        for dep in unpacked.iter().flat_map(|one| &one.change.deps) {
            if !here.contains(dep) && !self.is_known(read, key, *dep)? {
                names.insert(dep.to_string());
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Whether a change is here, or follows from the form.
    fn is_known(&self, read: &Read, key: &DocKey, hash: ChangeHash) -> Result<bool, DbError> {
        let known = self
            .registry()
            .form_of_major(&key.form, key.major, &key.unit);
        let genesis = known.and_then(|known| self.beginnings.of(key, &known.form).ok());
        Ok(genesis.is_some_and(|first| first.hash == hash) || read.has_change(key.id(), hash)?)
    }

    /// Gives up something that waits. Whoever has it brings it again when this node compares what it holds with theirs.
    pub fn parked_drop(&mut self, name: &str, reply: Reply<()>) {
        let found = self
            .read()
            .and_then(|read| read.parked().map_err(CommandError::Store));
        let rows = match found {
            Ok(rows) => rows.into_iter(),
            Err(error) => return reply(Err(error)),
        };
        let places = rows.map(|row| (row.doc, row.hash));
        let places: BTreeSet<(DocId, ChangeHash)> = places
            .filter(|(_, hash)| !name.is_empty() && hash.to_string().starts_with(name))
            .collect();
        let mut meant = places.iter();
        let (Some((doc, hash)), None) = (meant.next().copied(), meant.next()) else {
            return reply(Err(CommandError::UnknownName {
                text: name.to_owned(),
                found: places.len(),
            }));
        };
        self.submit(
            move |tx| tx.unpark(doc, hash),
            move |core, turn: &mut Turn, result: Result<(), WriteError<DbError>>| {
                reply(result.map_err(|error| core.write_failed(turn, error)));
            },
        );
    }
}
