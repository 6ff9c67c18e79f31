"""The explicit list of destinations: ``DESTINATIONS`` in settings names packages, each with a module
``destination`` that holds ``DESTINATION``."""

from functools import cache
from importlib import import_module

from django.conf import settings

from connections.destinations.base import Destination


@cache
def _by_key() -> dict[str, Destination]:
    found = [import_module(f"{package}.destination").DESTINATION for package in settings.DESTINATIONS]
    return {destination.key: destination for destination in found}


def all_destinations() -> list[Destination]:
    """Every destination, in the order of the settings."""
    return list(_by_key().values())


def get(key: str) -> Destination:
    """The destination of that key; KeyError when its package is no longer installed."""
    return _by_key()[key]
