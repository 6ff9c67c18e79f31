"""Profiles that programs push: checked and stored in an inbox at once, merged by an import about every second."""
