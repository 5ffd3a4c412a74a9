-- Version 6. Who works at this node, and who is logged in: this node's own affair, and never sent.
CREATE TABLE accounts (
  name TEXT PRIMARY KEY,
  -- The person's key, closed by a passphrase, and the public half.
  sealed BLOB NOT NULL,
  public BLOB NOT NULL,
  roles INTEGER NOT NULL,
  office TEXT,
  is_closed INTEGER NOT NULL,
  -- Wrong passphrases since the last right one.
  failures INTEGER NOT NULL DEFAULT 0,
  failed_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Sessions by the digest of their token, which stands nowhere here.
CREATE TABLE sessions (
  digest BLOB PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (name),
  since INTEGER NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_of ON sessions (account, since);
