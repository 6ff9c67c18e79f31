"""Match values with the options of a field: countries by names and codes, US states, and lists of options in one
text. Pure.

Countries match by the vendor's name, the names and codes of ISO 3166, and common aliases, ignoring case, accents
and punctuation. The vendor's names are no standard (“Columbia”, “Korea South”, “Serbia & Montenegro”), so they are
taken from the field.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pycountry

_DATA = Path(__file__).parent / "data" / "countries.json"
# Names of a country in ISO 3166, the most common one first. “Korea, Republic of” is the middle one.
_ISO_NAMES = ("common_name", "name", "official_name")
_DROPPED = re.compile(r"['’ʼ`.]")
_SEPARATING = re.compile(r"[^\w]+|_+")
_WORDS = {"saint": "st", "is": "islands"}
# Separators in the order of preference where several readings fit, or none does.
SEPARATORS = (";", "\n", "|", ",")
# With more pieces than these, options that hold the separator are not looked for.
MOST_PIECES = 100


def split_options(
    value: Any, is_option: Callable[[str], bool], separators: Sequence[str] = SEPARATORS
) -> Sequence[str]:
    """Split ``value`` into trimmed options: a list, a JSON array, one option, or several with one of the
    separators between. The reading is preferred in which every part is an option; an option may contain the
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


def countries_by_spelling(options: Sequence[str]) -> Mapping[str, str]:
    """Map every ``normalize_country`` spelling to the offered country that it means. A country that is not offered
    is missing, unless an option includes it, as “Serbia & Montenegro” does."""
    return _matches(tuple(options))


def normalize_country(name: str) -> str:
    """Normalize a country name: without case, accents and punctuation, “Côte d’Ivoire” and “COTE D'IVOIRE” are
    one."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = _DROPPED.sub("", plain.replace("&", " and "))
    words = [word for word in _SEPARATING.split(plain) if word]
    if len(words) > 1:
        words = [_WORDS.get(word, word) for word in words if word != "the"]
    return " ".join(words)


@cache
def _matches(options: tuple[str, ...]) -> Mapping[str, str]:
    offered = {normalize_country(option): option for option in options}
    found: dict[str, str] = {}
    for spellings, wider in _countries():
        known = [normalize_country(spelling) for spelling in spellings]
        option = next(
            (offered[each] for each in (*known, *map(normalize_country, wider)) if each in offered), None
        )
        if option is not None:
            found |= dict.fromkeys(known, option)
    return found | offered


def _countries() -> Iterator[tuple[list[str], list[str]]]:
    """Iterate over the countries of ISO 3166, each with its spellings and the names of what includes it."""
    data: dict[str, dict[str, list[str]]] = orjson.loads(_DATA.read_bytes())
    for country in pycountry.countries:
        code: str = country.alpha_2
        spellings = [*_iso_names(country), *data["aliases"].get(code, ()), code, country.alpha_3]
        yield spellings, data["included_in"].get(code, [])


def _iso_names(country: Any) -> Iterator[str]:
    """Iterate over the ISO names of a country; “Korea, Republic of” is also “Republic of Korea”."""
    for name in filter(None, (getattr(country, each, None) for each in _ISO_NAMES)):
        yield name
        head, comma, tail = name.partition(", ")
        if comma and " and " not in tail:
            yield f"{tail} {head}"


def _joined(pieces: Sequence[str], separator: str, is_option: Callable[[str], bool]) -> Sequence[str] | None:
    """Join pieces again where an option contains the separator; None when some piece is part of no option. Long
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
    """Return the option that these pieces form with the separator between them, with or without a blank after
    it."""
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
    """Convert a value to the text of an option: JSON writes yes and no as true and false."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value).strip()


_US_STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|
DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|
KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|
MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|
NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|
SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|
WV West Virginia|WI Wisconsin|WY Wyoming
"""
# The states of the USA by their postal codes, as profiles often keep them.
US_STATES_BY_CODE = {entry[:2]: entry[3:] for entry in _US_STATES.replace("\n", "").split("|")}
