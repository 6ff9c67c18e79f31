"""Lock what uses attributes, and find what reads an attribute right now.

A change of an attribute is written in one transaction. It locks segments, data sources and exports, so that no
new refresh, import or run of them is committed meanwhile: one that reads the attribute as it was is seen and
named, and a later one reads it as it is then.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from config.platform import db
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.text.word_lists import join_words
from segments import catalog, hooks
from segments.hooks import Usage
from segments.models import AttributeChange, DataSource, ImportJob, Segment, SegmentRefresh
from segments.rules import tree as rule_trees

_LOCK_SECONDS = 5


class ChangeRefused(Exception):
    """Nothing was changed; the message says why. ``usages`` are what has to end or to be changed first."""

    def __init__(self, message: str, usages: Sequence[Usage] = ()) -> None:
        super().__init__(message)
        self.usages = usages


class InProgress(ChangeRefused):
    """Something reads the attribute right now."""

    def __init__(self, usages: Sequence[Usage]) -> None:
        message = _("In progress: %(names)s. Nothing was changed. Wait until this ends, then try again.")
        super().__init__(message % {"names": named(usages)}, usages)


class Busy(ChangeRefused):
    """Another transaction holds a lock for too long."""

    def __init__(self) -> None:
        super().__init__(_("Another change is being saved. Nothing was changed. Try again in a minute."))


@dataclass(frozen=True)
class Locked:
    """All segments and data sources, locked."""

    segments: Sequence[Segment]
    sources: Sequence[DataSource]

    def using(self, *names: str) -> list[Segment]:
        """Return the segments whose rules name one of these attributes."""
        return [each for each in self.segments if any(uses(each.rules, name) for name in names)]


@contextmanager
def locked() -> Iterator[Locked]:
    """Lock the catalog of attributes and all that uses them, for a block in a transaction. Raises Busy."""
    with db.brief_locks(_LOCK_SECONDS, Busy):
        catalog.lock()
        catalog.lock_names()
        segments = list(Segment.objects.select_for_update().order_by("pk"))
        sources = list(DataSource.objects.select_for_update().order_by("pk"))
        hooks.attribute_users.lock()
        yield Locked(segments, sources)


def uses(rules: rule_trees.Tree, name: str) -> bool:
    """Say whether rules name an attribute, in any case."""
    return rule_trees.rename_attribute(rules, name, "") != rules


def named(usages: Sequence[Usage]) -> str:
    """Return the names of what uses an attribute, for a sentence."""
    return join_words(dict.fromkeys(f"“{usage.name}”" for usage in usages))


def open_uses(names: Sequence[str], *, change: AttributeChange | None = None) -> list[Usage]:
    """Return what reads one of these attributes right now: open imports, open refreshes of segments that use it,
    other changes of attributes, and what reads it outside of this app. For ``change``, imports that no worker has
    begun do not count: they wait for it."""
    imports = ImportJob.objects.filter(status__in=OPEN)
    if change is not None:
        imports = imports.filter(Q(status=JobStatus.PROCESSING) | Q(lease_until__gt=Now()))
    segments = [each.pk for each in Segment.objects.all() if any(uses(each.rules, name) for name in names)]
    refreshes = SegmentRefresh.objects.filter(status__in=OPEN, segment__in=segments).select_related("segment")
    changes = AttributeChange.objects.filter(status__in=OPEN).exclude(pk=change.pk if change else 0)
    elsewhere = [usage for name in names for usage in hooks.attribute_users.open_uses(name)]
    return [
        *(
            Usage(pgettext("noun", "Import"), job.file_name, reverse("segments:import", args=[job.pk]))
            for job in imports.order_by("pk")
        ),
        *(
            Usage(_("Segment"), job.segment.name, reverse("segments:detail", args=[job.segment_id]))
            for job in refreshes.order_by("pk")
        ),
        *(Usage(_("Attribute"), job.name, reverse("segments:attributes")) for job in changes.order_by("pk")),
        *dict.fromkeys(elsewhere),
    ]
