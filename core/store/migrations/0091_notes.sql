-- What a reader thought of a name on a day: a note, and whether it is starred or dismissed that day.
CREATE TABLE notes (
    reader VARCHAR NOT NULL, symbol VARCHAR NOT NULL, day DATE NOT NULL, text VARCHAR NOT NULL,
    written_by VARCHAR NOT NULL, written_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE symbol_marks (
    reader VARCHAR NOT NULL, symbol VARCHAR NOT NULL, day DATE NOT NULL, mark VARCHAR NOT NULL,
    marked_at TIMESTAMPTZ NOT NULL
);
