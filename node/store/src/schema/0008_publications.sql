-- Version 8. What has left in public exports, so that what follows gives none of it away. It is sent to nobody.

CREATE TABLE publications (
  id INTEGER PRIMARY KEY,
  form TEXT NOT NULL,
  major INTEGER NOT NULL,
  period TEXT NOT NULL,
  -- Whose children it lists.
  unit TEXT NOT NULL,
  -- Of what was published: the same thing twice is one row.
  digest BLOB NOT NULL,
  -- The total it was made of.
  total BLOB NOT NULL,
  held_back INTEGER NOT NULL,
  -- Who has published it last.
  who TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  -- All figures, and which were held back.
  body BLOB NOT NULL,
  UNIQUE (form, major, period, unit, digest)
);

-- Nobody accepts the report of its own unit any more: whoever has done so is found by judging everything once.
INSERT OR IGNORE INTO unjudged SELECT id FROM docs;
