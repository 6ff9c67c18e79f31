"""What can keep the system from starting."""


class CannotStart(Exception):
    """One sentence that says why, and what to do."""
