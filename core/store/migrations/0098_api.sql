-- Answers to calls with an Idempotency-Key, so that the same call again gets the same answer. One without
-- a status is under way, or was when the desk ended: what came of it must be looked at.
CREATE TABLE access_answers (
    issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL, idempotency_key VARCHAR NOT NULL,
    request VARCHAR NOT NULL, began_at TIMESTAMPTZ NOT NULL,
    status INTEGER, media VARCHAR, location VARCHAR, body BLOB
);

-- Plans that were proposed and wait for a decision: what was asked for, and by whom.
CREATE TABLE plan_proposals (
    plan_id VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, ask VARCHAR NOT NULL, document VARCHAR NOT NULL,
    issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL, name VARCHAR NOT NULL,
    proposed_at TIMESTAMPTZ NOT NULL
);
