-- How likely later reports tell a report's figures otherwise, as reckoned from what was known on its
-- day, with the reasons in words. `risk_model` tells which numbers a company's were reckoned with:
-- where they are others, the company is looked at again.
CREATE TABLE filing_risks (
    cik BIGINT NOT NULL, accession VARCHAR NOT NULL, revision_risk DOUBLE NOT NULL,
    revision_reasons VARCHAR[] NOT NULL, model VARCHAR NOT NULL, computed_at TIMESTAMPTZ NOT NULL
);

ALTER TABLE grade_inputs ADD COLUMN risk_model VARCHAR;
