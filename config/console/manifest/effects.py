"""Find the exports whose next runs the changes of a manifest affect, and say the effect in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.console.manifest.differences import Difference
from exports.actions.effects import Effect, with_followers
from exports.models import Export
from segments.models import Segment

# What of an export changes nothing of what its next run would do.
_WITHOUT_EFFECT = {"name", "tags", "tell_also", "schedule", "after_sources", "after_exports"}


@dataclass(frozen=True)
class Affected:
    """The names of the exports, and the IDs of the segments that have other members after their refresh."""

    exports: Sequence[str]
    segments: Sequence[int]


def find_affected(differences: Sequence[Difference]) -> Affected:
    """Find them after the changes were made, within their transaction."""
    segments = _segments_with_other_members(differences)
    changed = {each.name for each in _of(differences, "exports") if each.key not in _WITHOUT_EFFECT}
    limited = [each.name for each in _of(differences, "connections") if each.key == "limits"]
    exports = Export.objects.filter(removal_asked_at=None)
    if not any(each.key == "exclusion" for each in _of(differences, "segments")):
        using = exports.filter(segments__in=segments).values_list("name", flat=True)
        over = exports.filter(connection__name__in=limited).values_list("name", flat=True)
        exports = exports.filter(name__in=[*changed, *using, *over])
    return Affected(sorted(exports.values_list("name", flat=True).distinct()), segments)


def _of(differences: Sequence[Difference], section: str) -> list[Difference]:
    return [each for each in differences if each.section == section]


def _segments_with_other_members(differences: Sequence[Difference]) -> list[int]:
    """Return the segments with other rules, and those whose rules refer to them."""
    names = [each.name for each in _of(differences, "segments") if each.key == "rules"]
    changed = Segment.objects.filter(is_active=True, name__in=names)
    return with_followers(list(changed.values_list("pk", flat=True)))


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
