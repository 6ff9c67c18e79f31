"""Read files of customers: detect the format by content, load rows as text into DuckDB, report rejected rows."""
