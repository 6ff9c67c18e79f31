"""`make bench`: people imported, planned and delivered for real, beside the official client, in one run. They are
two hundred thousand; FULL=1 for a million, ROWS=n for other numbers.

Everything is thrown away afterwards but VAR_DIR/bench.jsonl. scenarios.py tells what is measured.
"""
