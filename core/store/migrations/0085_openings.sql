-- Plans made before the open, from the last print, and what became of them at the open: confirmed,
-- re-sized or not taken, and why; `body` is the plan as it is traded then, as JSON.
ALTER TABLE plans ADD COLUMN provisional BOOLEAN;

CREATE TABLE plan_openings (
    plan_id VARCHAR NOT NULL, session DATE NOT NULL, outcome VARCHAR NOT NULL,
    opened DECIMAL(18, 6) NOT NULL, opened_at TIMESTAMPTZ NOT NULL, source VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, body VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
    decided_at TIMESTAMPTZ NOT NULL
);
