"""Read the rows of a query from warehouses by their vendors' drivers, in a process that reaches no other address.

To add a warehouse: a module here with ``open_rows`` (see ``rows.py``), an entry in ``targets.py``, the engine in
``segments/models/database_query.py`` with its dialect in ``query.py``, and an extra in pyproject.toml.
"""
