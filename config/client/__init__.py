"""Run and follow exports from a command line: the program ``segment-exports``.

It speaks to the REST API and imports nothing of the rest of this repository, so that it installs alone;
pyproject.toml beside this file calls the package ``segment_exports_client``."""
