"""Normal forms of text: email addresses, invisible characters, and cells of CSV files."""
