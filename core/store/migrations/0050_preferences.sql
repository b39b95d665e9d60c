-- What a reader chose for the desk, and the views they saved. Values are JSON; queries are URL text.

CREATE TABLE preferences (
    reader VARCHAR NOT NULL, name VARCHAR NOT NULL, value VARCHAR NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE presets (
    reader VARCHAR NOT NULL, page VARCHAR NOT NULL, name VARCHAR NOT NULL, query VARCHAR NOT NULL,
    saved_at TIMESTAMPTZ NOT NULL
);
