"""Which contacts a run sends: the difference between the segments and the list state, in SQL."""
