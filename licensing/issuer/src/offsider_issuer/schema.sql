-- The vendor's ledger, version 1. Times are seconds since 1970, days are YYYY-MM-DD in UTC.

CREATE TABLE keys (
    key_id     TEXT PRIMARY KEY,
    key_sha256 TEXT NOT NULL,               -- the key itself is kept nowhere
    customer   TEXT NOT NULL,
    made_s     INTEGER NOT NULL
) STRICT;

CREATE TABLE licenses (
    license_id TEXT PRIMARY KEY,
    key_id     TEXT NOT NULL REFERENCES keys (key_id),
    edition    TEXT NOT NULL,
    issued_s   INTEGER NOT NULL,
    ends_s     INTEGER NOT NULL,
    grace_days INTEGER NOT NULL,
    threads    INTEGER,                     -- NULL: no limit
    renews     TEXT REFERENCES licenses (license_id),
    token      TEXT NOT NULL,
    revoked_s  INTEGER,
    reason     TEXT
) STRICT;

CREATE INDEX licenses_by_key ON licenses (key_id);

CREATE TABLE packages (
    file            TEXT PRIMARY KEY,
    project         TEXT NOT NULL,
    version         TEXT NOT NULL,
    sha256          TEXT NOT NULL,
    metadata_sha256 TEXT NOT NULL,
    bytes           INTEGER NOT NULL,
    requires_python TEXT NOT NULL,
    built           TEXT NOT NULL,
    published_s     INTEGER NOT NULL
) STRICT;

CREATE INDEX packages_by_project ON packages (project);

CREATE TABLE audit (
    at_s INTEGER NOT NULL,
    who  TEXT NOT NULL,
    act  TEXT NOT NULL,
    what TEXT NOT NULL
) STRICT;
