-- Version 3. How urgent an entry is, so that what goes first is found without its content; 0 where it was
-- accepted before anybody asked.
ALTER TABLE journal ADD COLUMN class INTEGER NOT NULL DEFAULT 0;

-- Places of our journal beyond `acked` that the peer has as well.
ALTER TABLE peers ADD COLUMN ahead BLOB NOT NULL DEFAULT x'';

-- What links to a peer have cost, by day (span 0) and by month (span 1), each numbered from 1970.
CREATE TABLE ledger (
  node INTEGER NOT NULL REFERENCES nodes (id),
  span INTEGER NOT NULL,
  number INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (node, span, number)
) WITHOUT ROWID;
