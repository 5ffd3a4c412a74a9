-- Version 7. What only an audit asks for. None of it is sent to anybody.

-- When entries of the journal came: all up to `seq` that no row before has, in the minutes from `at` on.
CREATE TABLE arrivals (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL
);
-- What is here already came at a time that nobody has noted.
INSERT INTO arrivals SELECT seq, 0 FROM journal ORDER BY seq DESC LIMIT 1;

-- Who has read privacy-sensitive lines: a row for each person, day and thing read. `unit`, `form` and `period` are
-- empty where several were read at once.
CREATE TABLE private_reads (
  id INTEGER PRIMARY KEY,
  day INTEGER NOT NULL,
  who TEXT NOT NULL,
  how TEXT NOT NULL,
  unit TEXT NOT NULL,
  form TEXT NOT NULL,
  period TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  UNIQUE (day, who, how, unit, form, period)
);

-- What was refused of whom, and why; `node` is empty where nobody is known.
CREATE TABLE refusals (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  node BLOB NOT NULL,
  reason TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  UNIQUE (node, kind, reason)
);
CREATE INDEX refusals_last ON refusals (last);
