-- Version 5. What counts nowhere, by change: it follows from changes, records and forms, and is never sent.
CREATE TABLE voids (
  doc INTEGER NOT NULL REFERENCES docs (id),
  hash BLOB NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (doc, hash)
) WITHOUT ROWID;

-- Documents of which something may be judged otherwise by now: all of those that nobody has judged yet.
CREATE TABLE unjudged (
  doc INTEGER PRIMARY KEY REFERENCES docs (id)
);
INSERT INTO unjudged SELECT id FROM docs;
