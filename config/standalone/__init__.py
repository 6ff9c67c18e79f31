"""Run everything on one machine: embedded PostgreSQL, broker in a folder, supervisor."""
