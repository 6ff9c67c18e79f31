"""Back up the database and the profile store into one file, and restore them."""
