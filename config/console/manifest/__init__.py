"""The manifest that `manage.py apply` reads.

document.py (YAML with lines, problems, rules) → specs.py (what the file says) → connections.py, segments.py,
exports.py, schedules.py (what it means here: planned first, then applied by the same actions as the pages use)
→ report.py. apply.py runs them.
"""
