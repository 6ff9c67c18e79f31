"""Undo what a block has written."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def rolled_back() -> Iterator[None]:
    """Run a block in a transaction of its own, and roll it back at the end: plans that are only looked at."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
