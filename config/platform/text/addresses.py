"""Give an email address its one normal form: on import, in look-ups, in hashes of people, before sending.

The form is made here and stored; SQL only compares what is stored. PostgreSQL knows neither punycode nor case
folding, and lower-cases some letters differently.
"""

import re
import unicodedata

import idna

from config.platform.text.characters import trim_invisible

# What we take for a deliverable address: ASCII before the @ (the vendor refuses anything else), labels of letters,
# digits and hyphens after it, at least two of them. VALID_EMAIL judges normal forms in SQL; it counts no lengths,
# as counted repetitions make it eight times slower in PostgreSQL.
VALID_EMAIL = r"^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)+[a-z][a-z0-9-]*[a-z0-9]$"
LONGEST_EMAIL = 254

# Longer texts are not looked at: no punycode of theirs is short enough.
_LONGEST_LOOKED_AT = 400
_LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
_IS_VALID_ASCII = re.compile(
    rf"{_LOCAL}@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
).fullmatch
_IS_VALID_LOCAL = re.compile(_LOCAL).fullmatch
_LOOKS_LIKE_ONE = re.compile(r"[^\s@]+@[^\s@]+").fullmatch


def normalize_email(text: str) -> str | None:
    """Normalize a deliverable email address: trim, validate, lower-case, domain to punycode (UTS 46).

    Spaces and zero-width characters around it are trimmed. It is validated before anything is lower-cased, so that
    a Kelvin sign before the @ does not become a valid ``k``. Returns None for what is no deliverable address.
    Idempotent; never raises.
    """
    if len(text) <= LONGEST_EMAIL and _IS_VALID_ASCII(text):  # nearly all are: this way takes a microsecond
        return text.lower()
    text = trim_invisible(text)
    if len(text) > _LONGEST_LOOKED_AT:
        return None
    if not text.isascii():
        text = _with_punycode(text) or ""
    return text.lower() if len(text) <= LONGEST_EMAIL and _IS_VALID_ASCII(text) else None


def comparable_email(text: str) -> str | None:
    """Normalize whatever looks like an address, deliverable or not, so that it can be compared and looked up.

    Deliverable addresses get their normal form. Others (``josé@example.com``) are trimmed, composed (NFC) and
    lower-cased letter by letter, and never equal a deliverable one. Returns None for text that does not look like
    an address. Idempotent; never raises.
    """
    if "@" not in text:
        return None
    if normal := normalize_email(text):
        return normal
    text = trim_invisible(text)
    if len(text) > _LONGEST_LOOKED_AT or not _LOOKS_LIKE_ONE(text):
        return None
    folded = _folded(text)
    # A Kelvin sign would fold to a plain k, and the text to the address of another person.
    return _lower_ascii(text) if normalize_email(folded) else folded


def _with_punycode(text: str) -> str | None:
    """``text`` with its domain in ASCII; None when the part before the @ or the domain is not valid."""
    local, _at, domain = text.rpartition("@")
    if not _IS_VALID_LOCAL(local):
        return None
    try:
        return f"{local}@{idna.encode(domain, uts46=True, std3_rules=True).decode('ascii')}"
    except (UnicodeError, IndexError, ValueError):  # idna raises these for what is no domain
        return None


def _folded(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    lowered = "".join(map(str.lower, composed))  # letter by letter, so that a final sigma is like any other
    return trim_invisible(unicodedata.normalize("NFC", lowered))


def _lower_ascii(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
