"""Read the rows of a query in a database of the user: PostgreSQL, MySQL, SQLite and DuckDB files."""
