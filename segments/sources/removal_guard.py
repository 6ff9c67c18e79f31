"""Decide whether an import in snapshot mode may remove the profiles that are not in the file, or a person has to
confirm that first."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from config.platform.removal_limits import is_half, is_large


class ImportGuard(TextChoices):
    """Which guard holds the removals of an import."""

    EMPTY = "empty", _("None of the customers of the data source is in the file.")
    HALVED = "halved", _("At least half of the customers of the data source are not in the file.")
    MANY = "many", _("More than a fifth of the customers of the data source are not in the file.")
    UNREADABLE = "unreadable", _("Some rows have no readable key, so their customers may be missing by mistake.")
    MERGED = "merged", _("Some values contain several rows. A quotation mark may be missing in the file.")
    GROWN = "grown", _("There are more customers to remove than were confirmed.")


@dataclass(frozen=True)
class FileComparison:
    """What a file lacks of the profiles of its data source: ``leaving`` of ``known``. ``unreadable`` of its
    ``rows`` have no readable key; ``has_merged_rows`` says that values contain what looks like further rows."""

    leaving: int
    known: int
    rows: int = 0
    unreadable: int = 0
    has_merged_rows: bool = False


def _may_be_unreadable(found: FileComparison) -> bool:
    """Say whether all who leave, or many, may be those of rows without a readable key."""
    return (
        found.unreadable >= found.leaving
        or is_large(found.unreadable, found.rows)
        or is_half(found.unreadable, found.rows)
    )


def find_guard(found: FileComparison, confirmed: int | None = None) -> ImportGuard | None:
    """Return the guard that holds the removals; None when they may be made. ``confirmed`` is the number that a
    user confirmed; more are held again."""
    if not found.leaving:
        return None
    if confirmed is not None:
        return None if found.leaving <= confirmed else ImportGuard.GROWN
    checks = {
        ImportGuard.EMPTY: found.leaving == found.known,
        ImportGuard.HALVED: is_half(found.leaving, found.known),
        ImportGuard.MANY: is_large(found.leaving, found.known),
        ImportGuard.UNREADABLE: _may_be_unreadable(found),
        ImportGuard.MERGED: found.has_merged_rows,
    }
    return next((guard for guard, applies in checks.items() if applies), None)
