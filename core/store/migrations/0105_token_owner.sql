-- Whose a token is, where it does not bear their name: both are one person.
ALTER TABLE access_tokens ADD COLUMN owner VARCHAR;
