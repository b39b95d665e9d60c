-- The day of the latest filing in the last answer that told an earlier version of a fact: which of
-- several versions was first. reason 'older answer': told by an answer that came after a newer one.
ALTER TABLE facts_history ADD COLUMN vintage DATE;
