"""Report on the list of an export: whether its changes come back, what is suppressed there, and what differs."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from config.platform.text.csv_lines import BYTE_ORDER_MARK, csv_line
from exports.models import (
    DriftKind,
    Export,
    ImportedSuppression,
    ListComparison,
    ListDrift,
    ListState,
    ListWatch,
    ListWebhook,
    StatusSource,
    SubscriberStatus,
)
from exports.reporting import messages

SUPPRESSED = "suppressed"
ON_SUPPRESSION_LIST = "imported"
_MEANINGS: dict[str, str | Promise] = {
    SUPPRESSED: _("Subscribers who receive no email from this list. They are not sent."),
    ON_SUPPRESSION_LIST: _(
        "Addresses that a user has imported. They are not sent, whatever their status on the list is."
    ),
    DriftKind.STATE: _("Status that only the last comparison has found. It is taken into account from now on."),
    DriftKind.DATA: _(
        "Values of mapped fields that were changed on the list. Runs do not overwrite them unless the data of the "
        "contact changes, or you send it again."
    ),
    DriftKind.GONE: _(
        "Contacts that an export has sent and that the list no longer has in any status, for example because the "
        "email was changed there."
    ),
    DriftKind.NOT_OURS: _("Active subscribers that no export has sent. Exports do not change them."),
}
CSV_COLUMNS = ("email", "code", "since", "known_since", "source")


@dataclass(frozen=True)
class ContactGroup:
    """A group of contacts of a list, and how many there are."""

    kind: str
    label: str | Promise
    contacts: int

    @property
    def meaning(self) -> str | Promise:
        return _MEANINGS[self.kind]


@dataclass(frozen=True)
class StatusGroup:
    """The suppressed contacts with one code."""

    code: str
    reason: str
    contacts: int


class ListReport:
    """What is known of the list that an export sends to now."""

    def __init__(self, export: Export) -> None:
        self.export = export
        account = export.connection.account if export.connection else ""
        self.state = ListState.objects.filter(account=account, list_id=export.list_id).first()
        self.watch = ListWatch.objects.filter(list_state=self.state).first() if self.state else None
        self.webhook = ListWebhook.objects.filter(list_state=self.state).first() if self.state else None
        comparisons = ListComparison.objects.filter(list_state=self.state or 0)
        self.comparison = comparisons.filter(status="successful").first()
        self.latest = comparisons.first()

    @property
    def has_webhook_address(self) -> bool:
        return bool(settings.LIST_WEBHOOK_URL)

    @property
    def may_repair(self) -> bool:
        """Whether there are contacts that a run can send again as they were."""
        return self.comparison is not None and bool(self.comparison.gone or self.comparison.other_data)

    def groups(self) -> list[ContactGroup]:
        """Return all groups of contacts with their numbers."""
        suppressed = sum(each.contacts for each in self.statuses)
        imported = self.state.imported.count() if self.state else 0
        counted = self.comparison or ListComparison()
        return [
            ContactGroup(SUPPRESSED, _("Suppressed"), suppressed),
            ContactGroup(ON_SUPPRESSION_LIST, _("Imported suppression list"), imported),
            *(ContactGroup(kind.value, kind.label, counted.count(kind)) for kind in DriftKind),
        ]

    @cached_property
    def statuses(self) -> list[StatusGroup]:
        """Return the suppressed contacts by code, the most frequent first."""
        reasons = messages.reasons_of_codes(self.export.pk)
        found = SubscriberStatus.objects.filter(list_state=self.state).values("code")
        rows = found.annotate(contacts=Count("email")).order_by("-contacts", "code")
        return [StatusGroup(row["code"], reasons.get(row["code"], ""), row["contacts"]) for row in rows]

    def suppressed(self, code: str = "") -> "QuerySet[SubscriberStatus]":
        """Select the suppressed contacts, those with one code alone."""
        found = SubscriberStatus.objects.filter(list_state=self.state)
        return found.filter(code=code) if code else found

    def imported(self) -> "QuerySet[ImportedSuppression]":
        """Select the addresses that users have imported."""
        return ImportedSuppression.objects.filter(list_state=self.state)

    def drift(self, kind: DriftKind) -> "QuerySet[ListDrift]":
        """Select the contacts that differ in one way, by the last comparison."""
        return ListDrift.objects.filter(comparison=self.comparison, kind=kind)


def write_csv(
    contacts: "QuerySet[SubscriberStatus] | QuerySet[ImportedSuppression] | QuerySet[ListDrift]",
) -> Iterator[str]:
    """Yield a line for each of the contacts. They are never all in memory."""
    yield BYTE_ORDER_MARK + csv_line(CSV_COLUMNS)
    for one in contacts.iterator(chunk_size=2_000):
        if isinstance(one, SubscriberStatus):
            known_since = one.known_since.isoformat(timespec="seconds")
            yield csv_line((one.email, one.code, one.since, known_since, StatusSource(one.source).value))
        elif isinstance(one, ImportedSuppression):
            imported_at = one.imported_at.isoformat(timespec="seconds")
            yield csv_line((one.email, one.code, "", imported_at, StatusSource.IMPORT.value))
        else:
            yield csv_line((one.email, one.code, "", "", ""))
