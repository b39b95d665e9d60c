-- Earlier periods of tickers that a company lost and bears again; the last one is in
-- company_identifiers.
CREATE TABLE former_tickers (
    cik BIGINT NOT NULL, kind VARCHAR NOT NULL, value VARCHAR NOT NULL, exchange VARCHAR,
    valid_from DATE, valid_to DATE NOT NULL, source VARCHAR NOT NULL,
    pull_id VARCHAR NOT NULL
);
