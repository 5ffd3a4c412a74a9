//! Tickets at their issuer: given once, used once.

use hopluu_model::{Digest, NodeId, Timestamp};
use rusqlite::Row;

use crate::read::id;
use crate::{DbError, Read, TicketRow, TicketUse, WriteTx};

const TICKET_COLUMNS: &str = "SELECT ticket, body, expires, used_by, used_at FROM tickets";

impl Read {
    /// One ticket.
    pub fn ticket(&self, ticket: Digest) -> Result<Option<TicketRow>, DbError> {
        self.one(
            &format!("{TICKET_COLUMNS} WHERE ticket = ?1"),
            [ticket.as_bytes()],
            |row| self.ticket_row(row),
        )
    }

    /// All tickets this node has issued.
    pub fn tickets(&self) -> Result<Vec<TicketRow>, DbError> {
        self.all(&format!("{TICKET_COLUMNS} ORDER BY ticket"), [], |row| {
            self.ticket_row(row)
        })
    }

    fn ticket_row(&self, row: &Row<'_>) -> Result<TicketRow, DbError> {
        let by = row
            .get::<_, Option<i64>>(3)?
            .map(|number| self.node(number))
            .transpose()?;
        let at = row.get::<_, Option<i64>>(4)?.map(Timestamp);
        Ok(TicketRow {
            ticket: id(row, 0, "tickets")?,
            body: row.get(1)?,
            expires: Timestamp(row.get(2)?),
            used: by.zip(at),
        })
    }
}

impl WriteTx<'_> {
    /// Remembers a ticket that was just issued.
    pub fn put_ticket(
        &mut self,
        ticket: Digest,
        body: &[u8],
        expires: Timestamp,
    ) -> Result<(), DbError> {
        self.run(
            "INSERT INTO tickets (ticket, body, expires) VALUES (?1, ?2, ?3) \
             ON CONFLICT (ticket) DO NOTHING",
            (ticket.as_bytes(), body, expires.0),
        )?;
        Ok(())
    }

    /// Forgets every ticket that nobody has used: this store cannot know whether it was used since.
    pub fn void_open_tickets(&mut self) -> Result<(), DbError> {
        self.run("DELETE FROM tickets WHERE used_by IS NULL", [])?;
        Ok(())
    }

    /// Uses a ticket up, in one step: of two that come with it, one gets it. Whether it has
    /// expired is the caller's to judge.
    pub fn use_ticket(
        &mut self,
        ticket: Digest,
        by: NodeId,
        at: Timestamp,
    ) -> Result<TicketUse, DbError> {
        match self.ticket(ticket)? {
            None => Ok(TicketUse::Unknown),
            Some(TicketRow {
                used: Some((node, _)),
                ..
            }) if node == by => Ok(TicketUse::Again),
            Some(TicketRow {
                used: Some((node, at)),
                ..
            }) => Ok(TicketUse::Taken(node, at)),
            Some(TicketRow { used: None, .. }) => {
                let number = self.intern_node(by)?;
                let sql = "UPDATE tickets SET used_by = ?2, used_at = ?3 WHERE ticket = ?1";
                self.run(sql, (ticket.as_bytes(), number, at.0))?;
                Ok(TicketUse::Accepted)
            }
        }
    }
}
