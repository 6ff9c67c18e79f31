"""Read the text of a PDF that Chromium has printed: glyphs of fonts, each of which has a table of characters."""

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_FONT = re.compile(rb"/(F\d+) (\d+) 0 R")
_TABLE = re.compile(rb"/ToUnicode (\d+) 0 R")
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>|(T[jJ]|Td|Tm|T\*|ET)")
_CHARACTER = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]{4,})>\n")
_RANGE = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]{4})> <([0-9A-F]{4})>\n")


def pages_of(pdf: bytes) -> int:
    """Count the pages."""
    return len(re.findall(rb"/Type /Page\b", pdf))


def text_of(pdf: bytes) -> str:
    """Return all text, without what lies between words; compare it without blanks."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    fonts: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        for name, number in _FONT.findall(body):
            table = _TABLE.search(objects.get(int(number), b""))
            if table:
                fonts[name] = _characters(_unpacked(objects[int(table[1])]))
    return "".join(_shown(_unpacked(body), fonts) for body in objects.values() if b"/FlateDecode" in body)


def _unpacked(body: bytes) -> bytes:
    found = _STREAM.search(body)
    if not found:
        return b""
    try:
        return zlib.decompress(found[1]) if b"/FlateDecode" in body else found[1]
    except zlib.error:
        return b""


def _characters(table: bytes) -> dict[int, str]:
    """Read which glyph is which character."""
    found = {
        int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
        for glyph, text in _CHARACTER.findall(table)
    }
    for first, last, text in _RANGE.findall(table):
        for step in range(int(last, 16) - int(first, 16) + 1):
            found[int(first, 16) + step] = chr(int(text, 16) + step)
    return found


def _shown(content: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    if b" Tf" not in content:
        return ""
    font: dict[int, str] = {}
    text: list[str] = []
    for name, glyphs, operator in _SHOWN.findall(content):
        if name:
            font = fonts.get(name, {})
        elif glyphs:
            text += [font.get(int(glyphs[at : at + 4], 16), "") for at in range(0, len(glyphs), 4)]
        elif operator == b"ET":
            text.append(" ")
    return "".join(text)
