-- Who did what, as a chain: each entry has the hash of the one before it. The head says where the
-- chain ends, so that a cut is seen. The lines of access_log are taken into it at the next start.
CREATE TABLE access_audit (
    entry BIGINT NOT NULL, happened_at TIMESTAMPTZ NOT NULL, issuer VARCHAR NOT NULL,
    subject VARCHAR NOT NULL, name VARCHAR NOT NULL, role VARCHAR, act VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL, detail VARCHAR NOT NULL, correlation_id VARCHAR,
    previous_hash VARCHAR NOT NULL, hash VARCHAR NOT NULL
);

CREATE TABLE access_audit_head (entry BIGINT NOT NULL, hash VARCHAR NOT NULL);
