"""Matches the countries of profiles with the countries that a field offers: by the vendor's name, the names
and codes of ISO 3166, and common aliases, whatever the case, accents and punctuation.

The vendor's names are no standard: “Columbia”, “Korea South”, “Serbia & Montenegro”. They are taken from the
field, so that a change over there needs no change here.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
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


def normalized(name: str) -> str:
    """A name without case, accents and punctuation: “Côte d’Ivoire” and “COTE D'IVOIRE” are one."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = _DROPPED.sub("", plain.replace("&", " and "))
    words = [word for word in _SEPARATING.split(plain) if word]
    if len(words) > 1:
        words = [_WORDS.get(word, word) for word in words if word != "the"]
    return " ".join(words)


@cache
def _matches(options: tuple[str, ...]) -> Mapping[str, str]:
    offered = {normalized(option): option for option in options}
    found: dict[str, str] = {}
    for spellings, wider in _countries():
        known = [normalized(spelling) for spelling in spellings]
        option = next((offered[each] for each in (*known, *map(normalized, wider)) if each in offered), None)
        if option is not None:
            found |= dict.fromkeys(known, option)
    return found | offered


def by_spelling(options: Sequence[str]) -> Mapping[str, str]:
    """The offered country by every ``normalized`` spelling that means it. A country that is not offered is
    missing, unless an option includes it, as “Serbia & Montenegro” does."""
    return _matches(tuple(options))


def _countries() -> Iterator[tuple[list[str], list[str]]]:
    """Every country of ISO 3166 with its spellings, and the names of what includes it."""
    data: dict[str, dict[str, list[str]]] = orjson.loads(_DATA.read_bytes())
    for country in pycountry.countries:
        code: str = country.alpha_2
        spellings = [*_iso_names(country), *data["aliases"].get(code, ()), code, country.alpha_3]
        yield spellings, data["included_in"].get(code, [])


def _iso_names(country: Any) -> Iterator[str]:
    """“Korea, Republic of” is also “Republic of Korea”."""
    for name in filter(None, (getattr(country, each, None) for each in _ISO_NAMES)):
        yield name
        head, comma, tail = name.partition(", ")
        if comma and " and " not in tail:
            yield f"{tail} {head}"


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
