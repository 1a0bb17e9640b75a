-- What is owed: something was handed out at a lower level than was asked for, and is to be raised later.
CREATE TABLE debts (
    id      TEXT    PRIMARY KEY,
    kind    TEXT    NOT NULL CHECK (kind IN ('receipt', 'document', 'kept')),
    subject TEXT    NOT NULL,                   -- a register number, the id of a code, the id of what is kept
    caller  TEXT    NOT NULL,
    entity  TEXT,                               -- none: the caller's alone
    seal    TEXT    NOT NULL,                   -- whose authorities are asked; empty: all
    level   TEXT    NOT NULL,
    since   INTEGER NOT NULL,
    tried   INTEGER NOT NULL DEFAULT 0,
    due     INTEGER NOT NULL,                   -- not before; whoever takes it up puts it ahead
    problem TEXT    NOT NULL,
    UNIQUE (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX debts_by_due ON debts (due);

-- Documents that callers may have again: what two steps ended in, and what is owed a level.
CREATE TABLE kept (
    id       TEXT    PRIMARY KEY,
    caller   TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    until    INTEGER NOT NULL,                  -- not kept longer, unless it is owed
    format   TEXT    NOT NULL,
    level    TEXT    NOT NULL,
    signed   BLOB    NOT NULL,                  -- SHA-256 of the value of the signature that it is about; zeros: all
    document BLOB    NOT NULL REFERENCES blobs (id),
    content  BLOB    REFERENCES blobs (id),
    latest   BLOB    REFERENCES blobs (id)      -- once it was raised
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_until ON kept (until);

-- Further versions of documents behind codes, from 2 on.
CREATE TABLE document_versions (
    document TEXT    NOT NULL REFERENCES documents (id),
    version  INTEGER NOT NULL CHECK (version > 1),
    level    TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    blob     BLOB    NOT NULL REFERENCES blobs (id),
    proof    BLOB    NOT NULL,                  -- sealed: nothing, with the rest of the row as its place
    PRIMARY KEY (document, version)
) STRICT, WITHOUT ROWID;

-- Blobs that nothing names any more, and whose files are to be removed.
CREATE TABLE removed (
    blob BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
