"""Compare user names: one normal form for sign-in, lockout counters and uniqueness."""

import unicodedata

from config.platform.text.characters import trim_invisible

_MOST_ROUNDS = 4  # what is folded may compose once more; two rounds settle all that Unicode has so far


def normalize_username(text: str) -> str:
    """Normalize a user name for comparison: trim, NFKC, case-fold.

    Two names are the same account's exactly when their normal forms are equal. Compare by this form in Python or
    in a column that stores it, never by ``iexact``, LOWER or UPPER: PostgreSQL folds some letters differently
    (UPPER makes an ``I`` of a dotless ``ı``).

    Returns an empty string for a name of nothing but spaces. Idempotent; never raises.
    """
    for _round in range(_MOST_ROUNDS):
        folded = unicodedata.normalize("NFKC", trim_invisible(unicodedata.normalize("NFKC", text)).casefold())
        if folded == text:
            break
        text = folded
    return text
