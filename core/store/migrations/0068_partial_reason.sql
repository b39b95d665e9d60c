-- What is missing from the version that a pull loaded, apart from the notes beside it. Rows are
-- announced for a version once, when it is made: later pulls of it look the count up by sha256.
ALTER TABLE pulls ADD COLUMN partial_reason VARCHAR;
UPDATE pulls SET partial_reason = message WHERE state = 'partial';
