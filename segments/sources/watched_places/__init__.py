"""Import the files that arrive in watched folders and buckets: whole ones, each version once, in the order of
their names. A place says what is in it; ``scan`` decides what is imported next."""
