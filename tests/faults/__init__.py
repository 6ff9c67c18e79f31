"""Everything that can go wrong while an export runs, with real processes: one short test for each. `make drill`
runs them again and again, see __main__.py."""
