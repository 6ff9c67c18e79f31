"""Detect the character encoding of a text file by its bytes: byte-order mark, UTF-16 with and without a mark,
UTF-8, and the code pages that spreadsheets write."""

import codecs
import re
from collections.abc import Iterable
from typing import Final

from charset_normalizer import from_bytes

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# With the three bytes of lone surrogates, which some exports write: the file is UTF-8 all the same.
_MULTIBYTE: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
# Letters beyond A–Z by code page and language. Spreadsheets write the code page of the user's language; the first
# of equally good ones wins.
_CYRILLIC: Final = "абвгдежзийклмнопрстуфхцчшщь"
_LETTERS: Final = (
    (
        "cp1252",
        ("äöüß", "äöå", "éèêëàâçùûîïôœ", "áéíóúñü", "æøåéö", "ãõáéíóúâêôçà", "àèéìòù", "ëéïöüè", "þðáéíóúýæö"),
    ),
    ("cp1250", ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")),
    ("cp1254", ("çğıİöşüâ",)),
    ("cp1257", ("āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž")),
    ("cp1251", (_CYRILLIC + "ъыэюяё", _CYRILLIC + "ґєіїюя")),
    ("cp1253", ("αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋ",)),
)
_OTHER_ALPHABETS: Final = ("cp1251", "cp1253")
_LATIN: Final = re.compile("[A-Za-z]")
_EAST_ASIAN: Final = ("gb18030", "big5", "shift_jis", "cp949")
# What touches a letter, without the punctuation that may.
_WORD: Final = re.compile(r"[^\W\d_]*(?:[^\x00-\x7f\s–—‘’‚“”„…«»•™®©€£]|[A-Za-z])+")
_MOST_EVIDENCE: Final = 1 << 17


def encoding_by_mark(start: bytes) -> str | None:
    """Return the encoding that the byte-order mark at the start names; None without a mark."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def encoding_of_wide_text(start: bytes) -> str | None:
    """Recognize UTF-16 without a mark: every other byte of Latin text is zero."""
    even, odd = start[::2], start[1::2]
    if not odd:
        return None
    zeros_even, zeros_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros_odd > 0.4 and zeros_even < 0.1:
        return "utf-16-le"
    if zeros_even > 0.4 and zeros_odd < 0.1:
        return "utf-16-be"
    return None


def detect_encoding(chunks: Iterable[bytes]) -> str:
    """Detect the encoding of a text without a byte-order mark; all of it is read, as the first letter beyond
    ASCII may be in the last row.

    Returns "utf-8" when it is valid, or valid but for some broken characters; otherwise the likeliest code page.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    evidence = bytearray()
    is_valid = True
    for chunk in chunks:
        if is_valid and not (chunk.isascii() and decoder.getstate()[0] == b""):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_valid = False
        if len(evidence) < _MOST_EVIDENCE and not chunk.isascii():
            evidence += b"\n".join(line for line in chunk.splitlines() if not line.isascii())
            evidence += b"\n"
        if not is_valid and len(evidence) >= _MOST_EVIDENCE:
            break
    if is_valid:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_valid = False
    return "utf-8" if is_valid else likeliest_encoding(bytes(evidence[:_MOST_EVIDENCE]))


def likeliest_encoding(text: bytes) -> str:
    """Return the likeliest encoding of a text that is not valid UTF-8."""
    sequences = len(_MULTIBYTE.findall(text))
    invalid = sum(map(len, _HIGH.findall(_MULTIBYTE.sub(b"", text))))
    if sequences >= max(1, invalid):
        return "utf-8"  # some characters are broken, and only their rows are rejected
    if _is_in_pairs(text) and (found := from_bytes(text, cp_isolation=list(_EAST_ASIAN)).best()):
        return found.encoding
    scores = {name: _share_of_letters(text, name, languages) for name, languages in _LETTERS}
    return max(scores, key=lambda name: scores[name])


def _share_of_letters(text: bytes, encoding: str, languages: tuple[str, ...]) -> float:
    """Return the share of the characters beyond ASCII in words that the languages use, and a tenth of the share of
    the best one. A capital after a small letter counts as none of them, nor does another alphabet beside A–Z."""
    words = [word for word in _WORD.findall(text.decode(encoding, "replace")) if not word.isascii()]
    if encoding in _OTHER_ALPHABETS:
        words = [re.sub("[^A-Za-z]", "\ufffd", word) if _LATIN.search(word) else word for word in words]
    inner = [
        character if character.islower() or not before.islower() else "\ufffd"
        for word in words
        for before, character in zip(" " + word, word, strict=False)
        if not character.isascii()
    ]
    if not inner:
        return 1.0
    shares = [_share(inner, language) for language in languages]
    return _share(inner, "".join(languages)) + max(shares) / 10


def _share(characters: list[str], letters: str) -> float:
    return sum(map(characters.count, {*letters, *letters.upper()})) / len(characters)


def _is_in_pairs(text: bytes) -> bool:
    """Say whether bytes beyond ASCII come in pairs, as in East Asian encodings."""
    runs = [len(run) for run in _HIGH.findall(text)]
    return len(runs) >= 3 and sum(1 for run in runs if run % 2 == 0) >= 0.9 * len(runs)
