-- Version 3. Files that documents name: what each is, who names it, and as much of it as is here. A piece is
-- written when it has been verified, so which pieces there are is the map of what is here.
CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  length INTEGER NOT NULL,
  held INTEGER NOT NULL DEFAULT 0,
  UNIQUE (hash, length)
);
CREATE INDEX files_wanted ON files (id) WHERE held < length;

CREATE TABLE file_refs (
  doc INTEGER NOT NULL REFERENCES docs (id),
  file INTEGER NOT NULL REFERENCES files (id),
  PRIMARY KEY (doc, file)
) WITHOUT ROWID;
CREATE INDEX file_refs_file ON file_refs (file);

-- Peers that have said that they hold all of a file.
CREATE TABLE file_holders (
  file INTEGER NOT NULL REFERENCES files (id),
  node INTEGER NOT NULL REFERENCES nodes (id),
  PRIMARY KEY (file, node)
) WITHOUT ROWID;

-- id = files.id << 16 | number, in both: marks lie together and are read without the bodies.
CREATE TABLE file_marks (
  id INTEGER PRIMARY KEY,
  mark BLOB NOT NULL
);
CREATE TABLE file_pieces (
  id INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);
