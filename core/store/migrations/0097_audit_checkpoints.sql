-- Where the chain of who did what stood once, signed with a key that is not in the store.
CREATE TABLE access_checkpoints (
    entry BIGINT NOT NULL, hash VARCHAR NOT NULL, made_at TIMESTAMPTZ NOT NULL,
    public_key VARCHAR NOT NULL, signature VARCHAR NOT NULL
);
