-- What became of filings, day by day: the row with the last `since` up to a day tells what was known
-- then. The headlines that later filings told with other values stand beside it.
CREATE TABLE filing_status (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, since DATE NOT NULL, status VARCHAR NOT NULL,
    reason VARCHAR, by_accession VARCHAR, computed_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE filing_changes (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, headline VARCHAR NOT NULL,
    concept VARCHAR NOT NULL, unit VARCHAR NOT NULL, period_start DATE, period_end DATE NOT NULL,
    old DOUBLE NOT NULL, new DOUBLE NOT NULL, by_accession VARCHAR NOT NULL, by_form VARCHAR,
    told_on DATE NOT NULL
);

-- Every company is looked at again the next time that grades are made, for its statuses.
DELETE FROM grade_inputs;

-- The status beside the grade in kept scans and plans.
ALTER TABLE candidates ADD COLUMN status VARCHAR;
ALTER TABLE plans ADD COLUMN status VARCHAR;
