-- Alerts: who is told of which events (rules; whoever has none has the defaults), what they were told,
-- and where to outside. Ids are made of what they stand for, so that none is told twice under two ids.
CREATE TABLE alert_rules (
    reader VARCHAR NOT NULL, place INTEGER NOT NULL, rule_id VARCHAR NOT NULL, name VARCHAR NOT NULL,
    kinds VARCHAR NOT NULL, subject VARCHAR NOT NULL, severity VARCHAR NOT NULL, quiet VARCHAR NOT NULL,
    sinks VARCHAR NOT NULL, enabled BOOLEAN NOT NULL, updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE alerts (
    alert_id VARCHAR NOT NULL, reader VARCHAR NOT NULL, event_id VARCHAR NOT NULL,
    happened_at TIMESTAMPTZ NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL,
    severity VARCHAR NOT NULL, message VARCHAR NOT NULL, trouble VARCHAR, ends VARCHAR,
    cause VARCHAR, bell BOOLEAN NOT NULL, ended_at TIMESTAMPTZ, read_at TIMESTAMPTZ
);

-- state: queued, held (for a digest or for its cause), gathered (in a digest), sent, merged (told with
-- its end), dropped (over before it was told). body: of digests and tests, which stand for no alert.
CREATE TABLE alert_deliveries (
    delivery_id VARCHAR NOT NULL, alert_id VARCHAR, reader VARCHAR NOT NULL, sink VARCHAR NOT NULL,
    state VARCHAR NOT NULL, due_at TIMESTAMPTZ, made_at TIMESTAMPTZ NOT NULL, tries INTEGER NOT NULL,
    sent_at TIMESTAMPTZ, error VARCHAR, gathered_in VARCHAR, body VARCHAR
);

-- Up to which event alerts were made.
CREATE TABLE alert_cursor (event_id VARCHAR NOT NULL);
