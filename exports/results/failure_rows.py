"""Match the failure rows of an answer to the contacts of the batch that it answers.

A row names a contact by an address, which may be spelled in another way than it was sent, or may not be there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.platform.text.addresses import comparable_email
from connections.destinations.values import ProfileRefusal


@dataclass(frozen=True)
class MatchedRows:
    """``refusals``: one for each contact that a row names, with the address as it was sent. ``unmatched``: how
    many rows name no contact of the batch, so that it is unknown which contacts they stand for."""

    refusals: Sequence[ProfileRefusal]
    unmatched: int


def match_rows(emails: Sequence[str], rows: Sequence[ProfileRefusal]) -> MatchedRows:
    """Match ``rows`` to the addresses of a batch: exactly, else by a normal form that one address alone has."""
    exact, similar = set(emails), _unambiguous(emails)
    found: dict[str, ProfileRefusal] = {}
    unmatched = 0
    for row in rows:
        email = row.email if row.email in exact else similar.get(_comparable(row.email), "")
        if email:
            found.setdefault(email, replace(row, email=email))
        else:
            unmatched += 1
    return MatchedRows(list(found.values()), unmatched)


def _unambiguous(emails: Sequence[str]) -> dict[str, str]:
    """The addresses by their comparable form, without those that share one."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for email in emails:
        key = _comparable(email)
        if key in found:
            shared.add(key)
        found[key] = email
    return {key: email for key, email in found.items() if key and key not in shared}


def _comparable(email: str) -> str:
    """The normal form of an address, without the brackets and quotation marks that mail programs add."""
    return comparable_email(email.strip(" <>\"'").removeprefix("mailto:")) or ""
