-- Where the units of a name changed last, and the last print that came back: what looks 20 sessions
-- back begins anew there. States of before are void (their rules have another version).
ALTER TABLE gap_states ADD COLUMN since DATE;
ALTER TABLE gap_states ADD COLUMN stray DATE;
