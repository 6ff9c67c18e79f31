"""Remove what is not in a manifest, by the same actions as the pages: exports, then segments, then connections.
Only sections that the file has are pruned. Data sources and their profiles are not in a file, so they stay."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.console.manifest.document import Problems
from config.console.manifest.specs import ExportSpec, Specs, report_line
from connections import actions as connection_actions
from connections import hooks
from connections.hooks import OnRemoval
from connections.models import Connection
from exports import policies
from exports.actions import manage
from exports.models import DeliveredSet, Export
from exports.removal import list_cleanup
from segments import actions as segment_actions
from segments.models import Segment
from segments.rules import references


def prune(found: Specs, problems: Problems) -> list[str]:
    """Remove everything of the file's sections that the file does not name. Returns a line for each; what cannot
    be removed is a problem."""
    report: list[str] = []
    if "exports" in found.sections:
        report += _prune_exports(found.exports, problems)
    if "segments" in found.sections:
        report += _prune_segments({spec.name.casefold() for spec in found.segments}, problems)
    if "connections" in found.sections:
        report += _prune_connections({spec.name.casefold() for spec in found.connections}, problems)
    return report


def _prune_exports(specs: Sequence[ExportSpec], problems: Problems) -> list[str]:
    report = []
    kept = {spec.name.casefold() for spec in specs}
    for export in Export.objects.filter(removal_asked_at=None).order_by("name"):
        if export.name.casefold() in kept:
            continue
        _check_followers(export, specs, problems)
        in_sandbox = bool(export.connection and export.connection.is_sandbox)
        left = list_cleanup.left_by_removing(export)
        notes = [contacts_that_stay(left.delivered_set)] if left else []
        try:
            manage.remove(export, by=None)
        except policies.Refusal as refusal:
            problems.add(1, refusal.sentence)
        report.append(report_line(_("export"), export.name, _("removed"), notes, in_sandbox=in_sandbox))
    return report


def _check_followers(export: Export, specs: Sequence[ExportSpec], problems: Problems) -> None:
    """Add a problem for each export of the file that shall run after one that is removed."""
    sentence = _("“%(name)s” runs after “%(removed)s”, which is not in this file and would be removed.")
    for spec in specs:
        for name, line in spec.run_after.exports or ():
            if name.casefold() == export.name.casefold():
                problems.add(line, sentence % {"name": spec.name, "removed": export.name})


def contacts_that_stay(known: DeliveredSet) -> str:
    """Say how many contacts an export leaves on a list: a file removes none."""
    count = list_cleanup.count_known(known)
    sentence = ngettext(
        "%(people)d contact that the export added to “%(list)s” stays there.",
        "%(people)d contacts that the export added to “%(list)s” stay there.",
        count,
    )
    return sentence % {"people": count, "list": known.title}


def _prune_segments(kept: set[str], problems: Problems) -> list[str]:
    report = []
    for segment in _users_first(list(Segment.objects.all())):
        if segment.name.casefold() in kept:
            continue
        try:
            with transaction.atomic():
                segment_actions.remove_segment(segment, by=None)
        except (segment_actions.SegmentInUse, segment_actions.IsExclusion) as refusal:
            problems.add(1, _("“%(name)s” cannot be removed: %(why)s") % {"name": segment.name, "why": refusal})
        report.append(report_line(_("segment"), segment.name, _("removed")))
    return report


def _users_first(segments: Sequence[Segment]) -> list[Segment]:
    """Return segments so that each precedes those that its rules refer to."""
    by_id = {segment.pk: segment for segment in segments}
    order = references.refresh_order({pk: segment.rules for pk, segment in by_id.items()})
    return [by_id[pk] for pk in reversed(order)]


def _prune_connections(kept: set[str], problems: Problems) -> list[str]:
    report = []
    for connection in Connection.objects.filter(removal_asked_at=None).order_by("name"):
        if connection.name.casefold() in kept:
            continue
        usages = hooks.connection_users.usages(connection.pk)
        in_use = [usage.name for usage in usages if not usage.is_only_stopped]
        notes: list[str] = []
        if in_use:
            why = _("Exports use it: %(names)s.") % {"names": ", ".join(in_use)}
            problems.add(1, _("“%(name)s” cannot be removed: %(why)s") % {"name": connection.name, "why": why})
        else:
            choices = {usage.key: OnRemoval.DETACH for usage in usages}
            if not connection_actions.remove(by=None, connection=connection, choices=choices):
                notes.append(_("It is deleted once its list cleanups have stopped."))
        report.append(
            report_line(_("connection"), connection.name, _("removed"), notes, in_sandbox=connection.is_sandbox)
        )
    return report
