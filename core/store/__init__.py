"""The warehouse: schema, MERGE writes and the reads that pages ask for."""
