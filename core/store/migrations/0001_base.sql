-- Base tables. Keys are natural and null-safe; instants are TIMESTAMPTZ; every row says which pull
-- brought it. No constraints: native DuckDB and DuckLake run the same statements.

CREATE TABLE bars_daily (
    symbol VARCHAR NOT NULL, session DATE NOT NULL,
    open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume BIGINT,
    pull_id VARCHAR NOT NULL
);

CREATE TABLE bars_minute (
    symbol VARCHAR NOT NULL, ts TIMESTAMPTZ NOT NULL,
    open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume BIGINT, phase VARCHAR,
    pull_id VARCHAR NOT NULL
);

CREATE TABLE corporate_actions (
    symbol VARCHAR NOT NULL, ex_date DATE NOT NULL, kind VARCHAR NOT NULL,
    ratio DOUBLE, amount DOUBLE, currency VARCHAR, note VARCHAR,
    pull_id VARCHAR NOT NULL
);

CREATE TABLE universe (
    symbol VARCHAR NOT NULL, name VARCHAR, sector VARCHAR, industry VARCHAR, exchange VARCHAR,
    cik BIGINT,
    pull_id VARCHAR NOT NULL
);

CREATE TABLE companies (
    cik BIGINT NOT NULL, name VARCHAR, entity_type VARCHAR, sic VARCHAR, sic_description VARCHAR,
    category VARCHAR, fiscal_year_end VARCHAR, state VARCHAR, ein VARCHAR,
    pull_id VARCHAR NOT NULL
);

CREATE TABLE company_identifiers (
    cik BIGINT NOT NULL, kind VARCHAR NOT NULL, value VARCHAR NOT NULL, exchange VARCHAR,
    valid_from DATE, valid_to DATE, source VARCHAR NOT NULL,
    pull_id VARCHAR NOT NULL
);

CREATE TABLE filings (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, form VARCHAR NOT NULL, filed DATE NOT NULL,
    accepted_at TIMESTAMPTZ, report_date DATE, items VARCHAR, primary_document VARCHAR,
    description VARCHAR, is_xbrl BOOLEAN, size_bytes BIGINT,
    pull_id VARCHAR NOT NULL
);

-- One row per reported value as the source states it now. removed_at: seen before, gone since.
CREATE TABLE facts (
    cik BIGINT NOT NULL, taxonomy VARCHAR NOT NULL, concept VARCHAR NOT NULL, unit VARCHAR NOT NULL,
    period_start DATE, period_end DATE NOT NULL, value DOUBLE NOT NULL, accession VARCHAR NOT NULL,
    fiscal_year INTEGER, fiscal_period VARCHAR, form VARCHAR, filed DATE NOT NULL, frame VARCHAR,
    seq INTEGER NOT NULL,
    pull_id VARCHAR NOT NULL, known_from TIMESTAMPTZ NOT NULL, removed_at TIMESTAMPTZ
);

-- Earlier versions of facts that a later pull changed.
CREATE TABLE facts_history (
    cik BIGINT NOT NULL, taxonomy VARCHAR NOT NULL, concept VARCHAR NOT NULL, unit VARCHAR NOT NULL,
    period_start DATE, period_end DATE NOT NULL, value DOUBLE NOT NULL, accession VARCHAR NOT NULL,
    fiscal_year INTEGER, fiscal_period VARCHAR, form VARCHAR, filed DATE NOT NULL, frame VARCHAR,
    seq INTEGER NOT NULL,
    pull_id VARCHAR NOT NULL, known_from TIMESTAMPTZ NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL, replaced_by VARCHAR NOT NULL
);

CREATE TABLE concepts (
    taxonomy VARCHAR NOT NULL, concept VARCHAR NOT NULL, label VARCHAR, description VARCHAR,
    pull_id VARCHAR NOT NULL
);

-- Rows of any other table before a pull changed them, as JSON.
CREATE TABLE row_history (
    table_name VARCHAR NOT NULL, row_json VARCHAR NOT NULL, pull_id VARCHAR NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL, replaced_by VARCHAR NOT NULL
);

CREATE TABLE pulls (
    pull_id VARCHAR NOT NULL, dataset VARCHAR NOT NULL, window_id VARCHAR,
    window_from TIMESTAMPTZ, window_to TIMESTAMPTZ, due_at TIMESTAMPTZ,
    "trigger" VARCHAR NOT NULL, -- schedule, manual, catch-up, webhook, import, backfill
    state VARCHAR NOT NULL,   -- running, done, unchanged, partial, failed, cancelled
    version VARCHAR, announced_rows BIGINT, rows_read BIGINT, rows_inserted BIGINT,
    rows_updated BIGINT, rows_unchanged BIGINT, rows_rejected BIGINT, bytes BIGINT,
    requests BIGINT, started_at TIMESTAMPTZ NOT NULL, finished_at TIMESTAMPTZ, seconds DOUBLE,
    error VARCHAR, message VARCHAR, correlation_id VARCHAR, simulated BOOLEAN NOT NULL,
    schema_hash VARCHAR
);

CREATE TABLE pull_events (
    pull_id VARCHAR NOT NULL, seq BIGINT NOT NULL, happened_at TIMESTAMPTZ NOT NULL,
    message VARCHAR NOT NULL, rows BIGINT, bytes BIGINT, percent DOUBLE
);

-- Moves in the same transaction as the data it speaks of.
CREATE TABLE watermarks (
    dataset VARCHAR NOT NULL, watermark TIMESTAMPTZ NOT NULL, version VARCHAR,
    pull_id VARCHAR NOT NULL, updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE rejected_rows (
    pull_id VARCHAR NOT NULL, dataset VARCHAR NOT NULL, row_number BIGINT,
    column_name VARCHAR, reason VARCHAR NOT NULL, raw VARCHAR
);

-- What each document of an upstream looked like when it was last asked for.
CREATE TABLE source_documents (
    url VARCHAR NOT NULL, dataset VARCHAR NOT NULL, etag VARCHAR, last_modified VARCHAR,
    sha256 VARCHAR, bytes BIGINT, fetched_at TIMESTAMPTZ NOT NULL, pull_id VARCHAR NOT NULL
);

CREATE TABLE schema_changes (
    dataset VARCHAR NOT NULL, pull_id VARCHAR NOT NULL, happened_at TIMESTAMPTZ NOT NULL,
    column_name VARCHAR NOT NULL, change VARCHAR NOT NULL -- unknown, added, changed
);

CREATE TABLE watchlist (
    cik BIGINT NOT NULL, symbol VARCHAR, added_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE datasets (
    name VARCHAR NOT NULL, source VARCHAR NOT NULL, table_name VARCHAR NOT NULL,
    definition VARCHAR NOT NULL, schema_hash VARCHAR NOT NULL, updated_at TIMESTAMPTZ NOT NULL
);
