-- Who may do what. Roles by (issuer, subject); tokens and sessions as SHA-256 of the secret alone; and
-- what was done, refused and changed by whom, in order.
CREATE TABLE access_people (
    issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL, name VARCHAR NOT NULL, role VARCHAR,
    set_by_hand BOOLEAN NOT NULL, added_at TIMESTAMPTZ NOT NULL, seen_at TIMESTAMPTZ
);

CREATE TABLE access_tokens (
    token_id VARCHAR NOT NULL, name VARCHAR NOT NULL, role VARCHAR NOT NULL, sha256 VARCHAR NOT NULL,
    made_by VARCHAR NOT NULL, made_at TIMESTAMPTZ NOT NULL, expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ, used_at TIMESTAMPTZ
);

CREATE TABLE access_sessions (
    sha256 VARCHAR NOT NULL, issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    began_at TIMESTAMPTZ NOT NULL, expires_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ
);

CREATE TABLE access_log (
    seq BIGINT NOT NULL, happened_at TIMESTAMPTZ NOT NULL, issuer VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    name VARCHAR NOT NULL, role VARCHAR, act VARCHAR NOT NULL, outcome VARCHAR NOT NULL,
    detail VARCHAR NOT NULL
);
