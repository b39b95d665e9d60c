-- Grades of filings, what they rest on, and the checks of the store. Old grades stay: `is_current`
-- marks the one that counts now.

CREATE TABLE grades (
    cik BIGINT NOT NULL, company VARCHAR, accession VARCHAR NOT NULL, form VARCHAR NOT NULL,
    filed DATE NOT NULL, period_end DATE, score DOUBLE, grade VARCHAR NOT NULL,
    coverage_pct DOUBLE, critical INTEGER, major INTEGER, minor INTEGER, info INTEGER,
    required_score DOUBLE, identity_score DOUBLE, duplicate_score DOUBLE, missing_score DOUBLE,
    complexity_score DOUBLE, style VARCHAR, facts BIGINT, concepts BIGINT, raw_score DOUBLE,
    passed DOUBLE, evaluable DOUBLE, reason VARCHAR, ruleset VARCHAR NOT NULL,
    input_hash VARCHAR, graded_at TIMESTAMPTZ NOT NULL, is_current BOOLEAN NOT NULL
);

CREATE TABLE findings (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, rule VARCHAR NOT NULL,
    severity VARCHAR NOT NULL, message VARCHAR NOT NULL, expected DOUBLE, actual DOUBLE,
    difference DOUBLE, tolerance DOUBLE, period_start DATE, period_end DATE,
    facts VARCHAR, -- JSON: the facts behind it
    graded_at TIMESTAMPTZ NOT NULL
);

-- The facts chosen for the standard items of a filing: what ratios and rules are made of.
CREATE TABLE filing_items (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, item VARCHAR NOT NULL,
    taxonomy VARCHAR NOT NULL, concept VARCHAR NOT NULL, unit VARCHAR NOT NULL,
    period_start DATE, period_end DATE NOT NULL, value DOUBLE NOT NULL, seq INTEGER NOT NULL,
    months INTEGER, own BOOLEAN
);

-- What a company's facts and filings were when it was graded last.
CREATE TABLE grade_inputs (
    cik BIGINT NOT NULL, fingerprint VARCHAR NOT NULL, ruleset VARCHAR NOT NULL
);

CREATE TABLE reconciliation_runs (
    run_id VARCHAR NOT NULL, started_at TIMESTAMPTZ NOT NULL, seconds DOUBLE,
    worst VARCHAR NOT NULL, trigger_name VARCHAR NOT NULL
);

CREATE TABLE reconciliation_checks (
    run_id VARCHAR NOT NULL, position INTEGER NOT NULL, check_name VARCHAR NOT NULL,
    title VARCHAR NOT NULL, severity VARCHAR NOT NULL, affected BIGINT NOT NULL,
    checked BIGINT NOT NULL, drift BIGINT, message VARCHAR NOT NULL,
    sample VARCHAR NOT NULL -- JSON: a few affected rows
);

CREATE TABLE dataset_grades (
    dataset VARCHAR NOT NULL, measured_at TIMESTAMPTZ NOT NULL, rows BIGINT NOT NULL,
    grade VARCHAR NOT NULL, score DOUBLE, completeness_pct DOUBLE, validity_pct DOUBLE,
    freshness_pct DOUBLE, volume_pct DOUBLE, schema_pct DOUBLE, uniqueness_pct DOUBLE,
    failing BIGINT NOT NULL, note VARCHAR
);
