-- Who decided on a plan and under which limits (JSON), kept with the decision for good.
ALTER TABLE plan_events ADD COLUMN who VARCHAR;
ALTER TABLE plan_events ADD COLUMN limits VARCHAR;
