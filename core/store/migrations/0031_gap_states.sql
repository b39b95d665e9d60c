-- What a symbol's past leaves to the gap of its next session, as of the end of a session, so that a
-- scan reads its windows only: the last bar as delivered, and Wilder's average so far (of the mean
-- of the ranges before the fourteenth), both with base_close on the share basis of that bar.
-- bars and actions count the rows these rest on, updates the rows changed since ever. Derived.
DROP TABLE gap_averages;
CREATE TABLE gap_states (
    dataset VARCHAR NOT NULL, as_of DATE NOT NULL, bars BIGINT NOT NULL, actions BIGINT NOT NULL,
    updates BIGINT NOT NULL, symbol VARCHAR NOT NULL, first_session DATE, session DATE NOT NULL,
    sound BOOLEAN NOT NULL, high DOUBLE, low DOUBLE, close DOUBLE, base_close DOUBLE,
    ranges INTEGER NOT NULL, average DOUBLE
);
