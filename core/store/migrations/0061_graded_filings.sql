-- What each filing was when it was graded last, so that the next time only what changed, and what a
-- change can reach, is graded again. A company that has none yet is graded whole.
CREATE TABLE graded_filings (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, filed DATE, report_date DATE,
    mark VARCHAR NOT NULL
);
