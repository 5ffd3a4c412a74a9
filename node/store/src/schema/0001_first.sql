-- Version 1. What each table is for and what must hold between them: docs/storage.md.

-- Named values of the node: the epoch and settings.
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- Units, forms' series and nodes are named many times; rows refer to them by small integers.
CREATE TABLE units (
  id INTEGER PRIMARY KEY,
  unit TEXT NOT NULL UNIQUE
);
CREATE TABLE nodes (
  id INTEGER PRIMARY KEY,
  node BLOB NOT NULL UNIQUE
);
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  form TEXT NOT NULL,
  major INTEGER NOT NULL,
  period TEXT NOT NULL,
  UNIQUE (form, major, period)
);

CREATE TABLE docs (
  id INTEGER PRIMARY KEY,
  doc BLOB NOT NULL UNIQUE,
  key BLOB NOT NULL,
  unit INTEGER NOT NULL REFERENCES units (id),
  series INTEGER NOT NULL REFERENCES series (id),
  implied BLOB NOT NULL,
  base BLOB NOT NULL,
  heads BLOB NOT NULL,
  changes INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
CREATE INDEX docs_unit ON docs (unit);
CREATE INDEX docs_series ON docs (series);

-- id = docs.id << 24 | ordinal: a document's changes lie together, in the order of acceptance.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  actor BLOB NOT NULL,
  actor_seq INTEGER NOT NULL,
  deps BLOB NOT NULL,
  seal BLOB NOT NULL,
  body BLOB NOT NULL,
  doc INTEGER GENERATED ALWAYS AS (id >> 24) VIRTUAL
);
CREATE UNIQUE INDEX changes_hash ON changes (doc, hash);

-- The last sequence number of every actor of a document.
CREATE TABLE actors (
  doc INTEGER NOT NULL REFERENCES docs (id),
  actor BLOB NOT NULL,
  actor_seq INTEGER NOT NULL,
  PRIMARY KEY (doc, actor)
) WITHOUT ROWID;

CREATE TABLE snapshots (
  doc INTEGER PRIMARY KEY REFERENCES docs (id),
  ordinal INTEGER NOT NULL,
  packing INTEGER NOT NULL,
  body BLOB NOT NULL
);

-- id = series << 40 | docs.id: all facts of one form and period lie together.
CREATE TABLE facts (
  id INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);

CREATE TABLE records (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  kind INTEGER NOT NULL,
  unit INTEGER NOT NULL REFERENCES units (id),
  body BLOB NOT NULL
);
CREATE INDEX records_kind_unit ON records (kind, unit);

-- The latest receipt of each superior for each document.
CREATE TABLE receipts (
  id INTEGER PRIMARY KEY,
  doc BLOB NOT NULL,
  by_unit INTEGER NOT NULL REFERENCES units (id),
  unit INTEGER NOT NULL REFERENCES units (id),
  hash BLOB NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (doc, by_unit)
);

CREATE TABLE attachments (
  id INTEGER PRIMARY KEY,
  doc INTEGER NOT NULL REFERENCES docs (id),
  hash BLOB NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (doc, hash)
);

-- What was accepted, in order. kind 0 is an entry that a later one superseded.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  ref INTEGER,
  origin INTEGER REFERENCES nodes (id)
);

-- How far each side has got in the other's journal.
CREATE TABLE peers (
  node INTEGER PRIMARY KEY REFERENCES nodes (id),
  their_epoch BLOB,
  received INTEGER NOT NULL DEFAULT 0,
  my_epoch BLOB,
  acked INTEGER NOT NULL DEFAULT 0,
  last_heard INTEGER
);

-- What a peer sent and what waits for something else before it can be accepted.
CREATE TABLE parked (
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL REFERENCES nodes (id),
  doc BLOB NOT NULL,
  hash BLOB NOT NULL,
  reason INTEGER NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (node, doc, hash)
);
CREATE INDEX parked_doc ON parked (doc);

-- Tickets this node has issued.
CREATE TABLE tickets (
  ticket BLOB PRIMARY KEY,
  body BLOB NOT NULL,
  expires INTEGER NOT NULL,
  used_by INTEGER REFERENCES nodes (id),
  used_at INTEGER
) WITHOUT ROWID;
