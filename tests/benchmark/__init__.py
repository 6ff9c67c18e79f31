"""`make bench`: a hundred thousand people imported, planned and delivered for real, beside a plain loop with the
official client. ROWS=n for other numbers, FULL=1 for a million.

Everything is thrown away afterwards but VAR_DIR/bench.jsonl. See __main__.py.
"""
