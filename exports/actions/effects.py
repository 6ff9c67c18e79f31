"""Compute the effect of a change before it is made: what the next run of an export would do without it, and with
it. Both are plans of the run's own code (preview/dry_run.py). The change is made by the action that would make it,
in a transaction that is rolled back.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.db import limit_statements, rolled_back
from exports import policies
from exports.actions import manage
from exports.actions.manage import ExportSettings
from exports.models import Export
from exports.models.snapshot import RunOptions
from exports.permissions import user_can_manage
from exports.preview import dry_run, summary
from segments import audience
from segments.actions import RulesLocked
from segments.models import Segment
from segments.refresh import skip_reason
from segments.rules import references

# How long a statement may take while a user waits at a page.
_PATIENCE_SECONDS = 15.0
# How long plans are computed beside changes: schedulers and users wait for the rows that these lock.
_HELD_SECONDS = 5.0


@dataclass(frozen=True)
class PlannedRun:
    """What a run of an export would do. ``problem`` says why it cannot be computed, and all else is 0 then.
    ``seconds`` is None where no run over the connection has told how long a request takes."""

    to_add: int = 0
    to_update: int = 0
    unchanged: int = 0
    to_remove: int = 0
    held: int = 0  # removals that await confirmation
    opt_in_mails: int = 0
    requests: int = 0
    seconds: float | None = None
    problem: str = ""

    @property
    def minutes(self) -> float | None:
        """The seconds in minutes, with one digit."""
        return None if self.seconds is None else round(self.seconds / 60, 1)


@dataclass(frozen=True)
class EffectRow:
    """A number of a plan before and after a change; None where it is not known."""

    label: str
    before: float | None
    after: float | None

    @property
    def differs(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Effect:
    """What the next run of an export would do before and after a change; None before it exists."""

    export: str
    before: PlannedRun | None
    after: PlannedRun

    @property
    def affects_contacts(self) -> bool:
        """Tell whether the next run would treat other contacts, or could not be computed."""
        return (self.before or PlannedRun()) != self.after

    @property
    def rows(self) -> list[EffectRow]:
        """The numbers before and after, without those that are 0 in both."""
        before, after = self.before or PlannedRun(), self.after
        rows = [
            EffectRow(_("Contacts to add"), before.to_add, after.to_add),
            EffectRow(_("Contacts to update"), before.to_update, after.to_update),
            EffectRow(_("Unchanged contacts"), before.unchanged, after.unchanged),
            EffectRow(_("Contacts to remove"), before.to_remove, after.to_remove),
            EffectRow(_("Removals awaiting confirmation"), before.held, after.held),
            EffectRow(_("Emails to new contacts to confirm"), before.opt_in_mails, after.opt_in_mails),
            EffectRow(_("Requests"), before.requests, after.requests),
            EffectRow(_("Minutes"), before.minutes, after.minutes),
        ]
        return [row for row in rows if row.before or row.after]

    def to_json(self) -> dict[str, Any]:
        """Return it in plain values."""
        return asdict(self)


def planned_run(export: Export, *, patience_seconds: float | None = None) -> PlannedRun:
    """Compute the plan of an export as this transaction sees it, unless a statement takes too long."""
    try:
        with transaction.atomic():
            if patience_seconds is not None:
                limit_statements(patience_seconds)
            policies.check_can_preview(export)  # a connection without consent is not asked
            found = dry_run.estimate(export, RunOptions())
    except policies.Refusal as refusal:
        return PlannedRun(problem=refusal.sentence)
    except OperationalError:
        return PlannedRun(problem=_("The plan took too long to compute."))
    counts, removals = found.plan_counts, found.removals
    seconds = summary.run_seconds(
        export.connection,
        calls=found.calls,
        calls_to_remove=found.calls_to_remove,
        to_remove=removals.to_remove,
    )
    return PlannedRun(
        to_add=counts.to_add,
        to_update=counts.to_update,
        unchanged=counts.unchanged,
        to_remove=removals.to_remove,
        held=removals.held,
        opt_in_mails=found.opt_in_mails,
        requests=found.calls + found.calls_to_remove,
        seconds=seconds,
    )


@dataclass(frozen=True)
class Affected:
    """The exports that a change affects, as IDs by name, and the IDs of the segments that have other members after
    their refresh."""

    exports: Mapping[str, int]
    segments: Collection[int] = ()


Plan = Callable[[Export, float | None], PlannedRun]


def _plan_all(export: Export, patience_seconds: float | None) -> PlannedRun:
    return planned_run(export, patience_seconds=patience_seconds)


def plan_for(user: User) -> Plan:
    """Return a function that plans the exports that a user manages. A plan reads the list over the connection."""

    def plan(export: Export, patience_seconds: float | None) -> PlannedRun:
        if user_can_manage(user, export):
            return planned_run(export, patience_seconds=patience_seconds)
        return PlannedRun(problem=_("You can view this export. Its connection is not shared with your role."))

    return plan


def effects_of(change: Callable[[], Affected], *, plan: Plan = _plan_all) -> list[Effect]:
    """Compute the effects of a change on the exports that it affects. ``change`` makes it in a transaction that is
    rolled back, and is called again when its locks were held for long."""
    after: dict[str, tuple[int, PlannedRun]] = {}
    while True:
        with rolled_back():
            affected = change()
            left = {name: pk for name, pk in affected.exports.items() if name not in after}
            after |= _plan_for_a_while(left, affected.segments, plan)
        if left.keys() <= after.keys():
            break
    exports = Export.objects.select_related("connection").in_bulk([pk for pk, _planned in after.values()])
    before = {pk: plan(export, None) for pk, export in exports.items()}
    return [Effect(name, before.get(pk), planned) for name, (pk, planned) in sorted(after.items())]


def _plan_for_a_while(
    exports: Mapping[str, int], refreshed: Collection[int], plan: Plan
) -> dict[str, tuple[int, PlannedRun]]:
    """Compute the plans of at least one of the exports, as if the segments with the IDs ``refreshed`` had the
    members that match their rules."""
    planned: dict[str, tuple[int, PlannedRun]] = {}
    until = monotonic() + _HELD_SECONDS
    found = Export.objects.select_related("connection").in_bulk(exports.values())
    if not found:
        return planned
    with audience.assuming_refreshed(refreshed):
        for name, pk in exports.items():
            planned[name] = pk, plan(found[pk], _PATIENCE_SECONDS)
            if monotonic() >= until:
                break
    return planned


def effect_of_edit(export: Export | None, settings: ExportSettings, *, by: User | None) -> Effect:
    """Compute what an edit of an export, or a new one, would change. Raises what saving it raises."""
    with rolled_back():
        if export is None:
            changed = manage.create(settings, by=by)
        else:
            present = Export.objects.get(pk=export.pk)
            changed = manage.edit(present, settings, version=present.version, by=by)
        after = planned_run(changed, patience_seconds=_PATIENCE_SECONDS)
    before = planned_run(export, patience_seconds=_PATIENCE_SECONDS) if export else None
    return Effect(settings.name, before, after)


def effects_of_rules(segment: Segment, rules: Mapping[str, Any], *, by: User) -> list[Effect]:
    """Compute what other rules of a segment would change for all exports that use it, also through segments whose
    rules refer to it. Raises RulesLocked as saving them does."""
    if skip_reason(segment):
        raise RulesLocked

    def change() -> Affected:
        Segment.objects.filter(pk=segment.pk).update(rules=dict(rules))
        refreshed = with_followers([segment.pk])
        exports = Export.objects.filter(segments__in=[segment.pk, *refreshed], removal_asked_at=None)
        return Affected(dict(exports.values_list("name", "pk")), refreshed)

    return effects_of(change, plan=plan_for(by))


def with_followers(segment_ids: Collection[int]) -> list[int]:
    """Return the IDs of those of the segments that are refreshed, and of those whose rules refer to them, also
    through others: a static segment keeps the members it has."""
    dynamic = {row.pk: row for row in Segment.objects.filter(is_active=True) if not skip_reason(row)}
    found = dynamic.keys() & set(segment_ids)
    trees = {pk: row.rules for pk, row in dynamic.items()}
    for pk in references.refresh_order(trees):
        if references.segments_in(trees[pk]) & found:
            found.add(pk)
    return sorted(found)
