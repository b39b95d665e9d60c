"""Tables of the catalogue: their schemas, the frames we keep, checks over whole datasets."""
