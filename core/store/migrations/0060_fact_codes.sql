-- Facts with what many of them share said once. `facts` stays, as a view that writes them out.
CREATE TABLE fact_measures (
    measure INTEGER NOT NULL,
    taxonomy VARCHAR NOT NULL, concept VARCHAR NOT NULL, unit VARCHAR NOT NULL
);
CREATE TABLE fact_sources (
    source INTEGER NOT NULL,
    accession VARCHAR NOT NULL, fiscal_year INTEGER, fiscal_period VARCHAR, form VARCHAR,
    filed DATE NOT NULL
);
CREATE TABLE fact_calendars (calendar INTEGER NOT NULL, frame VARCHAR NOT NULL);
-- Which pull stated a fact last, and when that became known here.
CREATE TABLE fact_batches (
    batch INTEGER NOT NULL, pull_id VARCHAR NOT NULL, known_from TIMESTAMPTZ NOT NULL
);
CREATE TABLE fact_rows (
    cik BIGINT NOT NULL, measure INTEGER NOT NULL, source INTEGER NOT NULL, calendar INTEGER,
    period_start DATE, period_end DATE NOT NULL, value DOUBLE NOT NULL, seq INTEGER NOT NULL,
    batch INTEGER NOT NULL, removed_at TIMESTAMPTZ
);

INSERT INTO fact_measures
SELECT row_number() OVER (), * FROM (SELECT DISTINCT taxonomy, concept, unit FROM facts);
INSERT INTO fact_sources
SELECT row_number() OVER (), *
FROM (SELECT DISTINCT accession, fiscal_year, fiscal_period, form, filed FROM facts);
INSERT INTO fact_calendars
SELECT row_number() OVER (), *
FROM (SELECT DISTINCT frame FROM facts WHERE frame IS NOT NULL);
INSERT INTO fact_batches
SELECT row_number() OVER (), * FROM (SELECT DISTINCT pull_id, known_from FROM facts);
INSERT INTO fact_rows
SELECT f.cik, m.measure, s.source, c.calendar, f.period_start, f.period_end, f.value, f.seq,
       b.batch, f.removed_at
FROM facts f
JOIN fact_measures m
    ON m.taxonomy = f.taxonomy AND m.concept = f.concept AND m.unit = f.unit
JOIN fact_sources s
    ON s.accession = f.accession AND s.filed = f.filed
    AND s.fiscal_year IS NOT DISTINCT FROM f.fiscal_year
    AND s.fiscal_period IS NOT DISTINCT FROM f.fiscal_period
    AND s.form IS NOT DISTINCT FROM f.form
JOIN fact_batches b ON b.pull_id = f.pull_id AND b.known_from = f.known_from
LEFT JOIN fact_calendars c ON c.frame = f.frame;

DROP TABLE facts;
CREATE VIEW facts AS
SELECT r.cik, m.taxonomy, m.concept, m.unit, r.period_start, r.period_end, r.value, s.accession,
       s.fiscal_year, s.fiscal_period, s.form, s.filed, c.frame, r.seq, b.pull_id, b.known_from,
       r.removed_at
FROM fact_rows r
JOIN fact_measures m ON m.measure = r.measure
JOIN fact_sources s ON s.source = r.source
JOIN fact_batches b ON b.batch = r.batch
LEFT JOIN fact_calendars c ON c.calendar = r.calendar;
