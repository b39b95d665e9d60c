-- Scans and their gaps, derived from bars, actions and filings; rebuilt at any time.
-- score_version says which score made them; filters and weights are JSON.
CREATE TABLE scans (
    dataset VARCHAR NOT NULL, session DATE NOT NULL, provisional BOOLEAN NOT NULL,
    made_at TIMESTAMPTZ NOT NULL, score_version VARCHAR NOT NULL, filters VARCHAR NOT NULL,
    weights VARCHAR NOT NULL, names BIGINT NOT NULL, candidates BIGINT NOT NULL,
    excluded BIGINT NOT NULL
);

-- The candidates of each scan as scored then.
CREATE TABLE candidates (
    dataset VARCHAR NOT NULL, session DATE NOT NULL, symbol VARCHAR NOT NULL,
    provisional BOOLEAN NOT NULL, gap_pct DOUBLE, open DOUBLE, prior_close DOUBLE,
    gap_type VARCHAR, story VARCHAR, gap_atr DOUBLE, atr DOUBLE, rvol DOUBLE,
    dollar_volume DOUBLE, flags VARCHAR, catalysts VARCHAR, score DOUBLE,
    volatility DOUBLE, catalyst DOUBLE, sentiment DOUBLE, liquidity DOUBLE,
    grade VARCHAR, score_version VARCHAR NOT NULL
);

-- Wilder averages at the end of a session, so that the next scan reads its windows only.
-- bars and actions count the rows the averages rest on, updates the rows changed since ever.
CREATE TABLE gap_averages (
    dataset VARCHAR NOT NULL, as_of DATE NOT NULL, bars BIGINT NOT NULL, actions BIGINT NOT NULL,
    updates BIGINT NOT NULL, symbol VARCHAR NOT NULL, first_session DATE NOT NULL,
    session DATE NOT NULL, close DOUBLE NOT NULL, atr DOUBLE NOT NULL
);

-- Parameter sets of the back-test tried on this desk: the warning on many variants counts them.
CREATE TABLE backtest_variants (
    dataset VARCHAR NOT NULL, variant VARCHAR NOT NULL, first_run_at TIMESTAMPTZ NOT NULL
);
