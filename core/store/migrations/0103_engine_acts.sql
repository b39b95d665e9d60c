-- what the engine has done for a desk: an ask that comes again is not done again
CREATE TABLE engine_acts (ask_id VARCHAR NOT NULL, act VARCHAR NOT NULL, done_at TIMESTAMPTZ NOT NULL);
