-- Volumes may be fractions: split-adjusted vendors deliver 8560553.68. A copy instead of a change of
-- type: native DuckDB and DuckLake run the same statements.
CREATE TABLE bars_daily_wide (
    symbol VARCHAR NOT NULL, session DATE NOT NULL,
    open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE,
    pull_id VARCHAR NOT NULL
);
INSERT INTO bars_daily_wide
SELECT symbol, session, open, high, low, close, volume, pull_id FROM bars_daily;
DROP TABLE bars_daily;
ALTER TABLE bars_daily_wide RENAME TO bars_daily;

CREATE TABLE bars_minute_wide (
    symbol VARCHAR NOT NULL, ts TIMESTAMPTZ NOT NULL,
    open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE, phase VARCHAR,
    pull_id VARCHAR NOT NULL
);
INSERT INTO bars_minute_wide
SELECT symbol, ts, open, high, low, close, volume, phase, pull_id FROM bars_minute;
DROP TABLE bars_minute;
ALTER TABLE bars_minute_wide RENAME TO bars_minute;
