-- Calls from outside that were taken, by their id: one that comes again is answered, not done again.
CREATE TABLE hook_receipts (
    message_id VARCHAR NOT NULL, dataset VARCHAR NOT NULL, received_at TIMESTAMPTZ NOT NULL,
    job_id VARCHAR NOT NULL
);
