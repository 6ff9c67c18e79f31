"""Split a text into options of a multi-select field, with the separator detected against the options. Pure."""

import json
from collections.abc import Callable, Sequence
from typing import Any

# Separators in the order of preference where several readings fit, or none does.
SEPARATORS = (";", "\n", "|", ",")
# With more pieces than these, options that hold the separator are not looked for.
MOST_PIECES = 100


def parts(value: Any, is_option: Callable[[str], bool], separators: Sequence[str] = SEPARATORS) -> Sequence[str]:
    """Split ``value`` into trimmed options: a list, a JSON array, one option, or several with one of the
    separators between. The reading is preferred in which every part is an option; an option may hold the
    separator. Where no reading fits, parts that are no options are returned."""
    if isinstance(value, list):
        return _trimmed(value)
    text = _text(value)
    if not text:
        return []
    if is_option(text):
        return [text]
    listed = _json_array(text)
    if listed is not None:
        return _trimmed(listed)
    for separator in separators:
        found = _joined(_trimmed(text.split(separator)), separator, is_option)
        if found is not None:
            return found
    return [text]


def _joined(pieces: Sequence[str], separator: str, is_option: Callable[[str], bool]) -> Sequence[str] | None:
    """Join pieces again where an option holds the separator; None when some piece is part of no option. Long
    options are preferred, and shorter ones tried where the rest does not fit."""
    count = len(pieces)
    if count > MOST_PIECES:
        return pieces if all(map(is_option, pieces)) else None
    rest: list[Sequence[str] | None] = [None] * count + [[]]  # how the pieces from each place on can be read
    for start in reversed(range(count)):
        for end in range(count, start, -1):
            after = rest[end]
            name = None if after is None else _option(pieces[start:end], separator, is_option)
            if name is not None and after is not None:
                rest[start] = [name, *after]
                break
    return rest[0]


def _option(pieces: Sequence[str], separator: str, is_option: Callable[[str], bool]) -> str | None:
    """The option that these pieces make with the separator between them, with or without a blank after it."""
    names = (f"{separator} ".join(pieces), separator.join(pieces))
    return next((name for name in names if is_option(name)), None)


def _json_array(text: str) -> list[Any] | None:
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _trimmed(values: Sequence[Any]) -> list[str]:
    return [text for value in values if (text := _text(value))]


def _text(value: Any) -> str:
    """A value as its option is written: JSON writes yes and no as true and false."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value).strip()
