"""Select a share of all addresses by hash, in Python and in SQL of DuckDB alike.

An address is in a share when the first 32 bits of MD5 over salt and address are below the percentage of their
range. So the same addresses are selected every time, a larger percentage keeps those of a smaller one, and shares
with different salts are independent of each other.
"""

import hashlib
import secrets
from dataclasses import dataclass

_DIGITS = 8
_RANGE = 16**_DIGITS


def new_salt() -> str:
    """Return the salt of a new share."""
    return secrets.token_hex(8)  # short enough that salt and address fit into one block of MD5, as a rule


@dataclass(frozen=True)
class AddressShare:
    """A percentage of all addresses, from 0 to 99. ``salt`` consists of hexadecimal digits."""

    salt: str
    percentage: int

    def __post_init__(self) -> None:
        if not 0 <= self.percentage < 100:
            raise ValueError(f"No percentage of a share: {self.percentage}")
        if self.salt.strip("0123456789abcdef"):
            raise ValueError("A salt consists of hexadecimal digits.")

    def contains(self, email: str) -> bool:
        """Tell whether an address, in its normal form, is in the share."""
        digest = hashlib.md5(f"{self.salt}{email}".encode(), usedforsecurity=False).hexdigest()
        return digest < self._limit

    def sql(self, email: str) -> str:
        """Return the condition that ``email``, an expression for an address in its normal form, is in the share;
        false without an address."""
        return f"coalesce(md5('{self.salt}' || {email}) < '{self._limit}', false)"

    @property
    def _limit(self) -> str:
        """Hexadecimal digits. As text they compare with those of a digest like the numbers that both are."""
        return format(_RANGE * self.percentage // 100, f"0{_DIGITS}x")
