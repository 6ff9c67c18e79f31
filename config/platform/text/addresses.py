"""Trim invisible characters, and give an email address its one normal form: on import, in look-ups, in hashes of
people, before sending.

The form is made here and stored; SQL only compares what is stored. PostgreSQL knows neither punycode nor case
folding, and lower-cases some letters differently.
"""

import re
import unicodedata

import idna

# First and last code point of each range: spaces and separators (Z*, White_Space), controls (Cc), format
# characters (Cf: zero-width characters, byte-order mark, soft hyphen, direction marks), and what is blank although
# Unicode calls it a letter, a symbol or a mark: Hangul fillers, blank Braille, joiners, variation selectors.
# Written out, as collecting them takes half a second when a process starts; a test compares them with Unicode's
# tables.
_RANGES = (
    (0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C),
    (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160),
    (0x1680, 0x1680), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F),
    (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD),
    (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip

INVISIBLE = "".join(chr(point) for first, last in _RANGES for point in range(first, last + 1))
_INVISIBLE = frozenset(INVISIBLE)

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


def trim_invisible(text: str) -> str:
    """Remove every space, control and zero-width character from both ends of ``text``."""
    if not text or (text[0] not in _INVISIBLE and text[-1] not in _INVISIBLE):
        return text
    return text.strip(INVISIBLE)


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
    return lower_ascii(text) if normalize_email(folded) else folded


def _with_punycode(text: str) -> str | None:
    """Return ``text`` with its domain in ASCII; None when the part before the @ or the domain is not valid."""
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


def lower_ascii(text: str) -> str:
    """Lower-case A–Z alone."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
