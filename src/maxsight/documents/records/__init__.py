"""Files of records (JSON Lines, CSV, Parquet): rows in, one document for each group of them out."""
