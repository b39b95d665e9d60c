-- One row: how many commits there were, and the last one whose mark stands in the queue's file.
-- A store whose number is below that mark lacks commits; a queue whose mark is below `marked`
-- lacks jobs.
CREATE TABLE store_commits (number BIGINT NOT NULL, marked BIGINT);
INSERT INTO store_commits VALUES (0, NULL);
