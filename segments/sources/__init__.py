"""Data sources: read files into profiles, with types, as jobs."""
