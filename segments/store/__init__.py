"""The profile store: profiles and members of segments in a DuckLake, read and written by embedded DuckDB.

Its catalog is the schema ``lake`` of the application's PostgreSQL database; its data are Parquet files in the
folder or bucket of the setting PROFILE_STORE. engine.py opens it and identity.py verifies that both belong
together, lake.py reads and commits, columns.py names its columns; profiles.py, members.py and values.py read,
merge.py writes what is imported, matching.py evaluates rules.
"""
