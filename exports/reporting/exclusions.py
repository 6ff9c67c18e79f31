"""Find the exports that excluded a profile in their last run, with the reason."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Prefetch

from exports.models import Outcome, Run, RunKind
from exports.reporting import messages
from exports.results import summary

_EXCLUSIONS = "exclusions_of_profiles"


@dataclass(frozen=True)
class Exclusion:
    """A member that the last run of an export excluded: the run and the reason."""

    run: Run
    reason: str


def find_exclusions(profile_ids: Collection[int]) -> list[Exclusion]:
    """Return the exclusions of profiles by the last planned run of each export, as far as they are stored, by the
    name of the export. Two queries, however many exports there are."""
    if not profile_ids:
        return []
    kinds = [outcome for kind in summary.EXCLUDED_PARTS for outcome in summary.OUTCOMES[kind]]
    outcomes = Outcome.objects.filter(kind__in=kinds, profile_id__in=profile_ids).order_by("pk")
    last = Run.objects.filter(kind=RunKind.EXPORT, planned_at__isnull=False)
    last = last.order_by("export_id", "-number").distinct("export_id")
    runs = last.select_related("export").prefetch_related(Prefetch("outcomes", outcomes, to_attr=_EXCLUSIONS))
    found = [Exclusion(run, messages.text_of_outcome(one)) for run in runs for one in getattr(run, _EXCLUSIONS)]
    return sorted(found, key=lambda each: (each.run.export.name, each.run.pk))
