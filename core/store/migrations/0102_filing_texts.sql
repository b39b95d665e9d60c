-- The first lines of what a filing says: of its press release where it has one, else of the filing.
-- Without a text, `reason` says why and `tries` how often it was asked for.
CREATE TABLE filing_texts (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, kind VARCHAR, url VARCHAR, text VARCHAR,
    letters BIGINT, reason VARCHAR, tries INTEGER NOT NULL, read_at TIMESTAMPTZ NOT NULL
);
