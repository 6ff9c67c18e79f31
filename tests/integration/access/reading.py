"""Collect what pages read from a query or a post, for the tests of the role matrix."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.http import QueryDict


@contextmanager
def keys_read(patch: pytest.MonkeyPatch, *, of_empty: bool = False) -> Iterator[set[str]]:
    """Collect the keys that views and forms ask a query or a post for; of empty ones only with ``of_empty``."""
    read: set[str] = set()
    with patch.context() as inside:
        for name in ("get", "getlist", "__getitem__", "__contains__"):
            inside.setattr(QueryDict, name, _noting(getattr(QueryDict, name), read, of_empty))
        yield read


def _noting(method: object, read: set[str], of_empty: bool) -> object:
    def noting(self: QueryDict, key: str, *rest: object, **named: object) -> object:
        if of_empty or (self and not str(key).endswith("[]")):
            read.add(str(key))
        return method(self, key, *rest, **named)  # type: ignore[operator]

    return noting
