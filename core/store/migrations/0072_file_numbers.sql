-- Whose filing one is: the number of the company it is about ("" none, null not known). Submissions
-- that were read before this are read again by the next pull.
ALTER TABLE filings ADD COLUMN file_number VARCHAR;
DELETE FROM source_documents WHERE contains(url, '/submissions/CIK');
