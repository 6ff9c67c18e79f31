"""The manifest that `manage.py apply` reads.

document.py (YAML with lines, problems, rules) → specs.py (what the file says) → connections.py, exports.py (what
it means here: planned first, then applied by the same actions as the pages use). apply.py runs them.
"""
