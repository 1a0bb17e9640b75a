-- Times are milliseconds since 1970-01-01T00:00:00Z. What is called sealed is encrypted under the store's key.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The last place given in each sequence.
CREATE TABLE sequences (
    year   INTEGER NOT NULL,
    office TEXT    NOT NULL,
    last   INTEGER NOT NULL CHECK (last > 0),
    PRIMARY KEY (year, office)
) STRICT, WITHOUT ROWID;

-- The journal: `id` is the order of presentation. An entry is complete when `sealed_at` is there.
CREATE TABLE entries (
    id           INTEGER PRIMARY KEY,
    number       TEXT    NOT NULL UNIQUE,
    year         INTEGER NOT NULL,
    office       TEXT    NOT NULL,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    entity       TEXT    NOT NULL,
    direction    TEXT    NOT NULL CHECK (direction IN ('entrada', 'salida')),
    caller       TEXT    NOT NULL,
    idempotency  BLOB    NOT NULL,              -- keyed hash
    presented_at INTEGER NOT NULL,
    request      BLOB    NOT NULL,              -- sealed: digest and metadata
    sealed_at    INTEGER,
    details      BLOB,                          -- sealed
    UNIQUE (year, office, sequence),
    UNIQUE (caller, idempotency),
    CHECK ((sealed_at IS NULL) = (details IS NULL))
) STRICT;
CREATE INDEX entries_incomplete ON entries (id) WHERE sealed_at IS NULL;
CREATE INDEX entries_of_office ON entries (office, id);
CREATE INDEX entries_of_entity ON entries (entity, id);
CREATE INDEX entries_by_time ON entries (presented_at);

CREATE TABLE persons (
    person BLOB    NOT NULL,                    -- keyed hash
    entry  INTEGER NOT NULL REFERENCES entries (id),
    PRIMARY KEY (person, entry)
) STRICT, WITHOUT ROWID;

-- Every blob that anything below names.
CREATE TABLE blobs (
    id    BLOB    PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE parts (
    entry    INTEGER NOT NULL REFERENCES entries (id),
    role     TEXT    NOT NULL CHECK (role IN ('original', 'acuse', 'justificante', 'evidence')),
    position INTEGER NOT NULL,
    blob     BLOB    NOT NULL REFERENCES blobs (id),
    PRIMARY KEY (entry, role, position)
) STRICT, WITHOUT ROWID;

-- Further versions of receipts, from 2 on.
CREATE TABLE versions (
    entry   INTEGER NOT NULL REFERENCES entries (id),
    version INTEGER NOT NULL CHECK (version > 1),
    level   TEXT    NOT NULL,
    made_at INTEGER NOT NULL,
    blob    BLOB    NOT NULL REFERENCES blobs (id),
    PRIMARY KEY (entry, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    id         TEXT    PRIMARY KEY,
    date       TEXT    NOT NULL,
    groups     BLOB    NOT NULL CHECK (length(groups) = 192),   -- six keyed hashes
    last_day   TEXT,                                            -- none: type P
    issued_at  INTEGER NOT NULL,
    entity     TEXT    NOT NULL,
    caller     TEXT    NOT NULL,
    seal       TEXT    NOT NULL,
    original   BLOB    NOT NULL REFERENCES blobs (id),
    printable  BLOB    REFERENCES blobs (id),
    number     TEXT    UNIQUE REFERENCES entries (number),
    proof      BLOB    NOT NULL                                 -- sealed: nothing, with the rest of the row as its place
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    subject BLOB    NOT NULL,                   -- keyed hash of an id or an address
    window  INTEGER NOT NULL,                   -- when it began
    count   INTEGER NOT NULL,
    PRIMARY KEY (subject, window)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_window ON attempts (window);

CREATE TABLE seals (
    name          TEXT    NOT NULL,
    certificate   BLOB    NOT NULL,
    first_used_at INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL,
    PRIMARY KEY (name, certificate)
) STRICT, WITHOUT ROWID;
