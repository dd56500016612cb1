"""The ranking: which pages answer a query, by late interaction."""
