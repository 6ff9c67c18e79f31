"""Find the exports whose next runs the changes of a manifest affect, and say the effect in words."""

from collections.abc import Collection, Mapping, Sequence

from django.utils.translation import gettext as _

from config.console.manifest.differences import Difference
from exports.actions.effects import Affected, Effect, with_followers
from exports.models import Export, Removal
from segments.models import Segment

# What of an export changes nothing of what its next run would do.
_WITHOUT_EFFECT = {"name", "tags", "tell_also", "schedule", "after_sources", "after_exports"}


# What of a segment can change who its members are.
_OF_MEMBERS = {"rules", "active", "static"}


def lists_by_export() -> dict[str, str]:
    """Return the ID of each export's list, by the export's name."""
    return dict(Export.objects.filter(removal_asked_at=None).values_list("name", "list_id"))


def find_affected(differences: Sequence[Difference], lists_before: Mapping[str, str]) -> Affected:
    """Find them after the changes were made, within their transaction. ``lists_before`` are the lists of exports
    before: the next run of another export to a list removes contacts that a changed or removed one wanted."""
    names = [each.name for each in _of(differences, "segments") if each.key in _OF_MEMBERS]
    changed = Segment.objects.filter(name__in=names).values_list("pk", flat=True)
    refreshed = with_followers(list(changed))
    exports = Export.objects.filter(removal_asked_at=None)
    if not any(each.key == "exclusion" for each in _of(differences, "segments")):
        own = {each.name for each in _of(differences, "exports") if _has_effect(each)}
        limited = [each.name for each in _of(differences, "connections") if each.key == "limits"]
        using = exports.filter(segments__in=[*changed, *refreshed]).values_list("name", flat=True)
        over = exports.filter(connection__name__in=limited).values_list("name", flat=True)
        found = own.union(using, over)
        exports = exports.filter(name__in=found | _removing_from_lists_of(found, lists_before))
    return Affected(dict(exports.values_list("name", "pk")), refreshed)


def _has_effect(difference: Difference) -> bool:
    is_removed = difference.key == "name" and difference.after is None
    return is_removed or difference.key not in _WITHOUT_EFFECT


def _removing_from_lists_of(names: Collection[str], lists_before: Mapping[str, str]) -> set[str]:
    """Return the exports that remove contacts from the lists that the named ones have, or had."""
    lists = {
        list_id.lower()
        for each in (lists_before, lists_by_export())
        for name, list_id in each.items()
        if name in names
    }
    removing = Export.objects.exclude(removal=Removal.LEAVE).values_list("name", "list_id")
    return {name for name, list_id in removing if list_id.lower() in lists}


def _of(differences: Sequence[Difference], section: str) -> list[Difference]:
    return [each for each in differences if each.section == section]


def in_words(effect: Effect) -> str:
    """Say the effect in a line: each number before and after, without those that are 0."""
    if effect.after.problem:
        return _("Next run of “%(export)s”: %(effect)s") % {
            "export": effect.export,
            "effect": effect.after.problem,
        }
    parts = [f"{row.label}: {_number(row.before)} → {_number(row.after)}" for row in effect.rows]
    words = "; ".join(parts) or _("No contacts are sent.")
    return _("Next run of “%(export)s”: %(effect)s") % {"export": effect.export, "effect": words}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
