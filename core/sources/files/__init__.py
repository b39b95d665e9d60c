"""Tables in CSV and Parquet files: cells cast by a schema, what does not fit rejected."""
