-- What happened: one row an event, written in the transaction that makes the change. Ids grow in
-- the order of commits; before and after are JSON.
CREATE TABLE events (
    event_id VARCHAR NOT NULL, happened_at TIMESTAMPTZ NOT NULL, kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL, severity VARCHAR NOT NULL, actor VARCHAR NOT NULL,
    message VARCHAR NOT NULL, correlation_id VARCHAR, value_before VARCHAR, value_after VARCHAR
);

-- The settings of the last start, secrets as set or not: what differs at the next is an event.
CREATE TABLE known_settings (name VARCHAR NOT NULL, value VARCHAR NOT NULL);
