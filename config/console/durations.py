"""How long the stages of runs took of late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Aggregate, Avg, F, Max
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Run

RECENT = timedelta(days=30)
_CHECKED = Coalesce("checked_at", "started_at")  # the older ones do not know when they were checked
_STAGES = (
    ("waiting", _("Wait and check"), _CHECKED - F("created_at")),
    ("planning", _("Plan"), F("planned_at") - _CHECKED),
    ("delivery", _("Deliver"), F("finished_at") - F("planned_at")),
)


@dataclass(frozen=True)
class StageTime:
    """One stage: how long it usually takes, at the longest, and its share of the whole in percent."""

    key: str
    label: str | Promise
    usual: timedelta
    longest: timedelta
    share: int


def by_stage() -> Sequence[StageTime]:
    """Over the runs that went through and sent something; empty when there was none. One query."""
    runs = Run.objects.filter(
        finished_at__gte=clock.now() - RECENT,
        status__in=(JobStatus.SUCCESSFUL, JobStatus.WARNINGS),
        planned_at__isnull=False,
        planned__gt=0,
    )
    asked: dict[str, Aggregate] = {f"{key}_usual": Avg(span) for key, _label, span in _STAGES}
    asked |= {f"{key}_longest": Max(span) for key, _label, span in _STAGES}
    found = runs.aggregate(**asked)
    whole = sum((found[f"{key}_usual"] or timedelta() for key, _label, _span in _STAGES), timedelta())
    if not whole:
        return []
    return [
        StageTime(key, label, usual, found[f"{key}_longest"], round(usual / whole * 100))
        for key, label, _span in _STAGES
        if (usual := found[f"{key}_usual"]) is not None
    ]
