-- What was last stored of each company's concept: equal hashes need no second look.
CREATE TABLE fact_concepts (
    cik BIGINT NOT NULL, taxonomy VARCHAR NOT NULL, concept VARCHAR NOT NULL,
    hash VARCHAR NOT NULL, facts BIGINT NOT NULL,
    pull_id VARCHAR NOT NULL
);

-- Which upstream the facts of a pull came from: only what companyfacts once stated can be missing
-- from a later answer of it.
CREATE TABLE fact_pulls (
    pull_id VARCHAR NOT NULL, upstream VARCHAR NOT NULL -- companyfacts, fsds
);
