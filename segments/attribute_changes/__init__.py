"""Rename an attribute, change its type, or merge it into another one, together with all that uses it.

frame.py locks what uses attributes and finds what reads them now, following.py changes their names in segments,
drafts and data sources. rename.py renames. actions.py queues a change of type or a merge; job.py does it:
retype.py and merge.py say how, conversion.py has the SQL.
"""
