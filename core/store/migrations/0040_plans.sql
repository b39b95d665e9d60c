-- Plans, their events and the journal. Rows are only ever added: a plan is frozen by its
-- fingerprint, an entry by the chain of hashes. Money is DECIMAL in the account's currency.

CREATE TABLE plans (
    plan_id VARCHAR NOT NULL, created_at TIMESTAMPTZ NOT NULL, session DATE NOT NULL,
    symbol VARCHAR NOT NULL, direction VARCHAR NOT NULL, entry_type VARCHAR NOT NULL,
    entry DECIMAL(18, 6) NOT NULL, stop DECIMAL(18, 6) NOT NULL, shares BIGINT NOT NULL,
    risk DECIMAL(18, 2) NOT NULL, notional DECIMAL(18, 2) NOT NULL,
    sector VARCHAR NOT NULL, grade VARCHAR, tag VARCHAR,
    body VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, verdict VARCHAR NOT NULL,
    simulated BOOLEAN NOT NULL
);

CREATE TABLE plan_events (
    plan_id VARCHAR NOT NULL, seq BIGINT NOT NULL, happened_at TIMESTAMPTZ NOT NULL,
    kind VARCHAR NOT NULL, -- approved, rejected, filled, void, expired, cancelled, closed
    reason VARCHAR NOT NULL
);

CREATE TABLE journal_entries (
    entry_no BIGINT NOT NULL, happened_at TIMESTAMPTZ NOT NULL, kind VARCHAR NOT NULL,
    effective DATE NOT NULL, memo VARCHAR NOT NULL, plan_id VARCHAR, reverses BIGINT,
    previous_hash VARCHAR NOT NULL, hash VARCHAR NOT NULL
);

CREATE TABLE journal_postings (
    entry_no BIGINT NOT NULL, line INTEGER NOT NULL, account VARCHAR NOT NULL,
    debit DECIMAL(18, 2) NOT NULL, credit DECIMAL(18, 2) NOT NULL,
    quantity DECIMAL(18, 6) NOT NULL, symbol VARCHAR, price DECIMAL(18, 6)
);

-- One row: the last number and hash. It changes with every entry, so two writers collide here.
CREATE TABLE journal_head (entry_no BIGINT NOT NULL, hash VARCHAR NOT NULL);
