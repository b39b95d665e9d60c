-- Up to which session and by which corporate actions a plan was settled: an action that comes
-- later, of a day before, reopens it. Moves that a reader has confirmed to be real prices.

CREATE TABLE settled_plans (
    plan_id VARCHAR NOT NULL, through DATE NOT NULL, actions VARCHAR NOT NULL,
    settled_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE confirmed_moves (
    symbol VARCHAR NOT NULL, session DATE NOT NULL, reason VARCHAR NOT NULL,
    confirmed_at TIMESTAMPTZ NOT NULL
);
