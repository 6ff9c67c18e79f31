"""Contacts that leave a list: the plan of removals, their guards, list cleanups, and restores."""
