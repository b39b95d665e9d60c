-- A token whose secret is changed in turn: the one before lets in until then.
ALTER TABLE access_tokens ADD COLUMN previous_sha256 VARCHAR;
ALTER TABLE access_tokens ADD COLUMN previous_until TIMESTAMPTZ;
