-- Version 2. Who an actor is stands in the seal of its first change, and what an operation refers to is
-- found by its actor: so changes are found by actor and number.
CREATE INDEX changes_actor ON changes (doc, actor, actor_seq);

-- A unit's receipts are counted before one for an unknown document is taken.
CREATE INDEX receipts_unit ON receipts (unit);
