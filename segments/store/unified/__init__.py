"""Unify the profiles of several data sources that share a value of an identifying attribute.

rules.py reads the identity rules, groups.py finds which profiles are one customer, rows.py builds the unified
profiles, write.py writes the differences to the profile store, reading.py has the queries of readers.
"""
