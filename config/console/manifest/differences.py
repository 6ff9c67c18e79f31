"""Compare two configurations: what of which entry was and is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from django.utils.translation import gettext as _

from config.console.manifest.specs import SYSTEM_REFRESH

_MISSING = object()


@dataclass(frozen=True)
class Difference:
    """One key of an entry that differs. An entry that is new or gone has the key “name”, and None for what it was
    or is."""

    section: str
    name: str
    key: str
    before: Any
    after: Any
    entry_is_new: bool = False

    def __str__(self) -> str:
        return f"{self.section} “{self.name}”: {self.key}: {_in_words(self.before)} → {_in_words(self.after)}"

    def to_json(self) -> dict[str, Any]:
        """Return it in plain values."""
        plain = asdict(self)
        del plain["entry_is_new"]
        return plain


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two documents, in the order of the second."""
    found = [
        difference
        for section, entries in after.items()
        if section != SYSTEM_REFRESH
        for difference in _compare_entries(section, before[section], entries)
    ]
    one, other = before[SYSTEM_REFRESH], after[SYSTEM_REFRESH]
    return [*found, *_compare_entry(SYSTEM_REFRESH, SYSTEM_REFRESH, one, other)]


def _compare_entries(
    section: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    present = {entry["name"].casefold(): entry for entry in before}
    for entry in after:
        was = present.pop(entry["name"].casefold(), None)
        for difference in _compare_entry(section, entry["name"], was or {}, entry):
            yield replace(difference, entry_is_new=was is None)
    for gone in present.values():
        yield Difference(section, gone["name"], "name", gone["name"], None)


def _compare_entry(
    section: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for key in {**after, **before}:
        one, other = before.get(key, _MISSING), after.get(key, _MISSING)
        if one != other and not (one is _MISSING and not other):
            yield Difference(section, name, key, _plain(one), _plain(other))


def _plain(value: Any) -> Any:
    return None if value is _MISSING else value


def _in_words(value: Any) -> str:
    if value is None:
        return _("none")
    return value if isinstance(value, str) else orjson.dumps(value).decode()
