-- Who vouches for the owner of a token: of two people of one name the subject tells which it is.
ALTER TABLE access_tokens ADD COLUMN owner_issuer VARCHAR;
ALTER TABLE access_tokens ADD COLUMN owner_subject VARCHAR;
