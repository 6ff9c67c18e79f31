"""Trim characters that people cannot see: Unicode spaces, zero-width characters and direction marks."""

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


def trim_invisible(text: str) -> str:
    """Remove every space, control and zero-width character from both ends of ``text``."""
    if not text or (text[0] not in _INVISIBLE and text[-1] not in _INVISIBLE):
        return text
    return text.strip(INVISIBLE)
