"""List the destinations: ``DESTINATIONS`` in settings names packages, each with a module ``destination`` that
holds ``DESTINATION``."""

from functools import cache
from importlib import import_module

from django.conf import settings

from connections.destinations.base import Destination


@cache
def _by_key() -> dict[str, Destination]:
    found = [import_module(f"{package}.destination").DESTINATION for package in settings.DESTINATIONS]
    return {destination.key: destination for destination in found}


def all_destinations() -> list[Destination]:
    """Return every destination, in the order of the settings."""
    return list(_by_key().values())


def get(key: str) -> Destination:
    """Return the destination with that key. Raises KeyError when its package is not installed."""
    return _by_key()[key]
