-- Why an earlier version of a fact is history, and under which unit it goes on (null: the same).
-- reason: null (the source states another value), 'correction' (the source corrected its copy of the
-- same filing), 'misread' (it never was a fact of the company: no reading shows it).
ALTER TABLE facts_history ADD COLUMN reason VARCHAR;
ALTER TABLE facts_history ADD COLUMN unit_now VARCHAR;
