-- One row that a look at the desk's health writes to see that writing works. Nothing else reads it.

CREATE TABLE scratch (name VARCHAR NOT NULL, written_at TIMESTAMPTZ);

INSERT INTO scratch VALUES ('health', NULL);
