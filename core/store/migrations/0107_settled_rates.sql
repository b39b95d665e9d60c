-- At which rates distributions in other currencies were posted for a plan: rates that are stated later
-- are for what comes later, not for what was paid.
CREATE TABLE settled_rates (
    plan_id VARCHAR NOT NULL, currency VARCHAR NOT NULL, rate DOUBLE NOT NULL,
    kept_at TIMESTAMPTZ NOT NULL
);
