"""Say in words which contacts a run has not delivered. The message of a run is written once, by a worker in its
language; pages say it in the language of the reader, from the counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs.models import ENDED_WELL
from config.platform.text.stored_texts import translate_stored
from config.platform.text.word_lists import join_words
from exports.models import Run
from exports.removal.removal_plan import RemovalGuard
from exports.results import left_out_values
from exports.state.status import Reason


@dataclass(frozen=True)
class RunCounts:
    """How many contacts of a run have which result. ``excluded`` counts members without a usable address, value or
    consent; ``held_out`` are in the control group; ``duplicates`` share the address of another member;
    ``delivered`` were added or updated."""

    members: int = 0
    excluded: int = 0
    held_out: int = 0
    duplicates: int = 0
    unchanged: int = 0
    previously_rejected: int = 0
    previously_suppressed: int = 0
    delivered: int = 0
    suppressed: int = 0
    rejected: int = 0
    newly_rejected: int = 0
    unknown: int = 0
    not_attempted: int = 0
    incomplete: int = 0  # of delivered and unchanged, without a value that the list cannot hold
    left_out: Mapping[str, int] = field(default_factory=dict)  # these by the names of the fields
    to_remove: int = 0
    not_removed: int = 0
    removals_held: int = 0
    is_cleanup: bool = (
        False  # removes subscribers from a list that the export no longer uses, and sends no contact
    )

    @property
    def reached(self) -> int:
        """Contacts who are on the list as they are now."""
        return self.delivered + self.unchanged

    @property
    def planned(self) -> int:
        """Contacts who were to be sent."""
        return self.delivered + self.suppressed + self.rejected + self.unknown + self.not_attempted

    @property
    def missing(self) -> int:
        """Members who are not on the list as they are now; duplicates share the result of their address."""
        before_sending = self.excluded + self.held_out + self.previously_rejected + self.previously_suppressed
        return before_sending + self.planned - self.delivered


# The counts that the batches of a run sum up to; the run has them in fields of these names when it has ended.
_SUMS = ("delivered", "left", "rejected", "newly_rejected", "unknown", "not_sent", "incomplete", "not_removed")


def counts_of(run: Run, counts: dict[str, int]) -> RunCounts:
    """The counts that decide how a run ends: those of its plan, and the sums over its batches."""
    return RunCounts(
        members=run.members,
        excluded=run.invalid + run.excluded_by_segment + run.without_consent,
        held_out=run.held_out,
        duplicates=run.duplicates,
        unchanged=run.unchanged,
        previously_rejected=run.still_refused - run.still_suppressed,
        previously_suppressed=run.still_suppressed,
        delivered=counts["delivered"],
        suppressed=counts["left"],
        rejected=counts["rejected"],
        newly_rejected=counts["newly_rejected"],
        unknown=counts["unknown"],
        not_attempted=counts["not_sent"],
        incomplete=counts["incomplete"],
        left_out=left_out_values.count_by_field(run) if counts["incomplete"] else {},
        to_remove=run.to_remove,
        not_removed=counts["not_removed"],
        removals_held=run.removals_held,
        is_cleanup=run.is_cleanup,
    )


def describe_message(run: Run, *, with_fields: bool = True) -> str:
    """Say in the language of the reader what the message of a run says. Of a run that failed it is translated
    where it holds no values. Without ``with_fields`` no query is made for the names of fields."""
    if run.status not in ENDED_WELL or not run.message or (run.incomplete and not with_fields):
        return translate_stored(run.message)
    counts = counts_of(run, {name: getattr(run, name) for name in _SUMS})
    if counts.incomplete and not counts.left_out:  # they are kept for some days
        return translate_stored(run.message)
    guard = str(RemovalGuard(run.removal_guard).label) if run.reason == Reason.REMOVALS_HELD else ""
    return " ".join(filter(None, (guard, describe_result(counts))))


def describe_result(counts: RunCounts) -> str:
    """Name the contacts who are not on the list, and the values that are not; empty when all are."""
    return " ".join(filter(None, (describe_missing(counts), describe_incomplete(counts))))


def describe_missing(counts: RunCounts) -> str:
    """Name the contacts who are not on the list as they are now, by result; empty when there are none."""
    if not counts.missing:
        return ""
    sentence = _("Not delivered: %(results)s.") if counts.reached else _("No contact could be sent: %(results)s.")
    return sentence % {"results": _list_results(counts)}


def describe_incomplete(counts: RunCounts) -> str:
    """Say how many contacts are on the list without one of their values, and in which fields; empty when there
    are none."""
    if not counts.incomplete:
        return ""
    return ngettext(
        "%(contacts)d contact was delivered without a value that the list cannot hold: %(fields)s.",
        "%(contacts)d contacts were delivered without a value that the list cannot hold: %(fields)s.",
        counts.incomplete,
    ) % {
        "contacts": counts.incomplete,
        "fields": join_words(f"{name} ({contacts})" for name, contacts in counts.left_out.items()),
    }


def _list_results(counts: RunCounts) -> str:
    """List the results with the counts that the summary of the run shows."""
    named = (
        (counts.excluded + counts.duplicates + counts.held_out, _("%(contacts)d excluded")),
        (counts.suppressed + counts.previously_suppressed, _("%(contacts)d suppressed")),
        (counts.rejected, _("%(contacts)d rejected")),
        (counts.unknown, _("%(contacts)d unknown")),
        (counts.not_attempted, _("%(contacts)d not attempted")),
        (counts.previously_rejected, _("%(contacts)d previously rejected, data unchanged")),
    )
    return join_words(text % {"contacts": contacts} for contacts, text in named if contacts)
