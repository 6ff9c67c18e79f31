"""`apply`: connections, segments and exports as a file says, all or nothing.

document.py (YAML with lines) → specs.py (what the file says) → connections.py, segments.py, exports.py (what that
means here: first judged, then carried out by the same actions as the pages use) → report.py.
"""
