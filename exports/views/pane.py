"""Compute all that the export pane shows from what was typed. The destination is asked, and contacts are counted,
only when a template needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.conf import settings
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from connections import lookups
from connections.destinations.base import Destination
from connections.destinations.values import (
    ListDetails,
    ListOptIn,
    ListSummary,
    NewField,
    TargetField,
    UnsubscribeScope,
)
from connections.lookups import Lists, Lookup
from connections.models import Connection, Limits
from connections.permissions import user_can_manage_connections, user_can_use
from connections.policies import ConnectionStatus, why_it_cannot_run
from exports import policies
from exports.forms import control_fields, removal_fields
from exports.forms.export_form import Choices, ExportForm
from exports.forms.removal_fields import CleanupForm
from exports.models import ControlMode, Export, Removal
from exports.models.snapshot import ControlSettings
from exports.preview import dry_run
from exports.selection import wants
from exports.selection.plan_counts import PlanCounts
from exports.state import run_settings
from exports.views.pane_mapping import MappingRow, Matching
from segments import audience
from segments.audience import EmailQuality, SegmentSummary
from segments.catalog import Attribute

_REMOVAL_HELP: dict[Removal, str | Promise] = {
    Removal.LEAVE: gettext_lazy("Contacts stay on the list with the data last sent."),
    Removal.MARK: gettext_lazy(
        "Recommended. Contacts stay on the list, with a value in a field that your segments "
        "there can use. The value is cleared when they rejoin the segments."
    ),
    Removal.DELETE: gettext_lazy("Contacts are added again when they rejoin the segments."),
    Removal.UNSUBSCRIBE: gettext_lazy("This cannot be undone here: only the subscriber can subscribe again."),
}


@dataclass(frozen=True)
class SegmentRow:
    """One line of the segments' check list."""

    summary: SegmentSummary
    checked: bool

    @property
    def too_large(self) -> bool:
        return self.summary.member_count > settings.MAX_PROFILES_PER_EXPORT


@dataclass(frozen=True)
class Prerequisite:
    """Something that must exist before an export can be set up; ``met`` is None when that cannot be told."""

    label: str
    met: bool | None
    advice: str = ""


class ExportPane:
    """``waits``: answers of the vendor are shown only if they are known already, and fetched by the page."""

    def __init__(
        self,
        user: User,
        form: ExportForm,
        *,
        export: Export | None = None,
        waits: bool = False,
        cleanup: CleanupForm | None = None,
    ) -> None:
        self.user, self.form, self.export, self.waits = user, form, export, waits
        self.cleanup = cleanup  # what is asked of the list that is left, if one is
        self.draft, self.choices = form.draft, form.choices

    # -- connection --------------------------------------------------------------------------------------------
    @property
    def connection(self) -> Connection | None:
        return self.form.chosen

    @property
    def destination(self) -> Destination:
        return self.form.destination

    @property
    def obstacle(self) -> ConnectionStatus | None:
        """What keeps the chosen connection from being used."""
        return why_it_cannot_run(self.connection) if self.connection else None

    @property
    def may_create_connection(self) -> bool:
        return user_can_manage_connections(self.user)

    @cached_property
    def prerequisites(self) -> list[Prerequisite]:
        drawn = any(segment.refreshed_at for segment in self.choices.segments)
        emails = [found for found in self.choices.email_attributes if "mail" in found.name.casefold()]
        if self.may_create_connection:
            ask = _("Create a connection in Admin > Connections.")
        else:
            ask = _("Ask an administrator to share a connection with your role.")
        return [
            Prerequisite(_("You have access to a connection"), bool(self.choices.connections), ask),
            Prerequisite(
                _("At least one segment is refreshed"),
                drawn,
                _("Create a segment in Insights > Segments. It is refreshed when you save it."),
            ),
            Prerequisite(
                _("Profiles include an email attribute"),
                bool(emails) or (None if self.choices.email_attributes else False),
                _("Choose the attribute that contains the email.")
                if self.choices.email_attributes
                else _("Import profiles under Data > Data sources."),
            ),
        ]

    @property
    def is_ready_to_set_up(self) -> bool:
        return all(prerequisite.met for prerequisite in self.prerequisites)

    # -- list --------------------------------------------------------------------------------------------------
    @cached_property
    def lookup(self) -> Lookup | None:
        """What is known of the list; None while nothing can be or was asked."""
        if self.form.lookup is not None:
            return self.form.lookup
        if self.connection is None or not self.draft.list_id:
            return None
        if self.waits:
            return lookups.look_up_at_once(self.connection, self.draft.list_id)
        return lookups.look_up(self.connection, self.draft.list_id)

    @property
    def details(self) -> ListDetails | None:
        return self.lookup.details if self.lookup else None

    @property
    def is_confirmed_opt_in(self) -> bool:
        """Tell whether the list mails contacts that an export adds: as looked up, else as last known."""
        if self.details is not None:
            return self.details.opt_in == ListOptIn.CONFIRMED
        return bool(self.waits and self.export and self.export.list_confirmed_opt_in)

    @property
    def lookup_blocks(self) -> bool:
        """Whether Save has to wait for another list id."""
        return bool(self.lookup and self.lookup.trouble and not self.lookup.passing)

    @cached_property
    def lists(self) -> Lists:
        if self.connection is None or self.waits:
            return Lists()
        return lookups.lists_of(self.connection)

    @property
    def attributes(self) -> list[Attribute]:
        """Those that may leave over the chosen connection."""
        limits = self.connection.limited if self.connection else Limits()
        return [attribute for attribute in self.choices.attributes if limits.allows_attribute(attribute.name)]

    @property
    def list_groups(self) -> list[tuple[str, list[ListSummary]]]:
        """The account's lists under the names of their clients."""
        limits = self.connection.limited if self.connection else Limits()
        allowed = [found for found in self.lists.found if limits.allows_list(found.list_id)]
        ordered = sorted(allowed, key=lambda found: (found.group.casefold(), found.title.casefold()))
        return [(name, list(found)) for name, found in groupby(ordered, key=lambda found: found.group)]

    @property
    def is_listed(self) -> bool:
        return any(found.list_id == self.draft.list_id for found in self.lists.found)

    @property
    def known_title(self) -> str:
        """What the list is called, as far as that is known without asking."""
        if self.details is not None:
            return self.details.title
        kept = self.export is not None and self.export.list_id == self.draft.list_id
        return self.export.list_title if kept and self.export else ""

    # -- data matching -----------------------------------------------------------------------------------------
    @cached_property
    def fields(self) -> list[TargetField]:
        return list(self.details.fields) if self.details else []

    @cached_property
    def rows(self) -> list[MappingRow]:
        return Matching(
            self.draft.mapping,
            self.attributes,
            self.details,
            self.can_make,
            self.form.mapping_errors,
            sees_data=self.user.may(Permission.PERSONAL_DATA_SEE),
        ).rows()

    @property
    def can_make(self) -> Sequence[str]:
        """Types of field that can be made on the list."""
        usable = self.connection is not None and self.obstacle is None
        return self.destination.capabilities.creates_fields if usable else ()

    @property
    def makeable(self) -> int:
        """How many rows could go to a field that the list does not have yet."""
        return sum(bool(row.suggestion) for row in self.rows)

    @property
    def can_match_by_name(self) -> bool:
        matched = self.draft.matched_by_name(self.attributes, self.fields)
        return len(matched.mapping) > len([pair for pair in self.draft.mapping if not pair.is_empty])

    # -- contacts who leave --------------------------------------------------------------------------------------
    @property
    def removals(self) -> list[tuple[Removal, str | Promise]]:
        """The removal policies that may be chosen, each with what it means."""
        offered = removal_fields.offered(self.destination)
        return [(removal, _REMOVAL_HELP[removal]) for removal in offered if self._may_choose(removal)]

    def _may_choose(self, removal: Removal) -> bool:
        """What is chosen already stays on offer, so that it can be shown as wrong."""
        if self.connection is None or self.draft.removal == removal or not policies.takes_off(removal):
            return True
        everywhere = removal is Removal.UNSUBSCRIBE and self.unsubscribes_everywhere
        return self.connection.limited.may_remove and (not everywhere or user_can_manage_connections(self.user))

    @property
    def unsubscribes_everywhere(self) -> bool:
        return self.details is not None and self.details.unsubscribe_scope == UnsubscribeScope.ALL_LISTS

    @property
    def fields_to_mark(self) -> list[TargetField]:
        mark_field = self.draft.mark_field
        taken = [*(pair["field"] for pair in self.draft.matched), self.control.written_to]
        found = removal_fields.fields_to_mark(self.details, taken)
        if mark_field and all(field.key != mark_field for field in found):
            found.append(TargetField(key=mark_field, label=mark_field, data_type="text"))
        return found

    @property
    def mark_value(self) -> str:
        return self.draft.mark_value or str(removal_fields.DEFAULT_MARK)

    # -- control group -----------------------------------------------------------------------------------------
    @property
    def control_modes(self) -> list[tuple[ControlMode, str | Promise]]:
        return control_fields.choices()

    @property
    def control(self) -> ControlSettings:
        """The control group as it was typed so far; that of a new export, which has no salt yet, only by size."""
        return self.draft.control.settings(self.export.control_salt if self.export else "")

    @property
    def fields_for_control(self) -> list[TargetField]:
        chosen = self.draft.control.field
        taken = [pair["field"] for pair in self.draft.matched]
        taken += [self.draft.mark_field] if self.draft.removal == Removal.MARK else []
        found = control_fields.fields_to_write(self.details, taken)
        if chosen and all(field.key != chosen for field in found):
            found.append(TargetField(key=chosen, label=chosen, data_type="text"))
        return found

    @property
    def new_control_field(self) -> NewField | None:
        """The field that can be made for the control group; None when the list has one of that name."""
        field = control_fields.new_field()
        if self.details is None or field.data_type not in self.can_make:
            return None
        return None if any(each.label == field.label for each in self.fields) else field

    @property
    def held_out(self) -> int | None:
        """Count the contacts that would be held out; None when there are none, or that cannot be counted now."""
        return self.plan_counts.control if self.control.held_out and self.plan_counts else None

    # -- other effects -------------------------------------------------------------------------------------------
    @property
    def other_exports(self) -> list[tuple[Export, str]]:
        """The other exports to the list, each with the fields that both write."""
        if self.connection is None or not self.draft.list_id:
            return []
        mine = {*(pair["field"] for pair in self.draft.matched), self.control.written_to} - {""}
        labels = {field.key: field.label for field in self.fields}
        but = self.export.pk if self.export else None
        return [
            (other, ", ".join(sorted(labels.get(key, key) for key in mine & _written_by(other))))
            for other in wants.exports_to(self.connection.account, self.draft.list_id, but=but)
        ]

    @cached_property
    def resent(self) -> int:
        """Count the contacts that are sent again because their data change; known once that was typed."""
        export, draft = self.export, self.draft
        if export is None or export.list_id != draft.list_id:
            return 0
        same = sorted(export.mapping, key=str) == sorted(draft.matched, key=str)
        before = run_settings.control_of(export)
        same = same and (before == self.control or not (before.written_to or self.control.written_to))
        if same and export.answers == {name: value for name, value in draft.answers.items() if value}:
            return 0
        return self.plan_counts.update if self.plan_counts else 0

    # -- contacts ----------------------------------------------------------------------------------------------
    @property
    def segments(self) -> list[SegmentRow]:
        chosen = set(self.draft.segments)
        return [SegmentRow(summary, str(summary.id) in chosen) for summary in self.choices.segments]

    @property
    def chosen_segments(self) -> list[SegmentSummary]:
        return [row.summary for row in self.segments if row.checked]

    @cached_property
    def quality(self) -> EmailQuality | None:
        """Count the profiles of the chosen segments, each once, and tell how good their addresses are."""
        ids = [segment.id for segment in self.chosen_segments]
        return audience.email_quality(self.draft.email_attribute, ids) if ids and not self.waits else None

    @property
    def too_many(self) -> bool:
        return bool(self.quality and self.quality.unique > settings.MAX_PROFILES_PER_EXPORT)

    @property
    def most_people(self) -> int:
        return int(settings.MAX_PROFILES_PER_EXPORT)

    @property
    def contract_limit(self) -> int | None:
        """What the contract behind the connection allows, when the chosen segments alone hold more."""
        limit = self.connection.limited.most_people if self.connection else None
        exceeded = limit is not None and self.quality is not None and self.quality.unique > limit
        return limit if exceeded else None

    @property
    def new_people(self) -> int | None:
        """Count the contacts that the list would mail; None when that cannot be counted now."""
        return self.plan_counts.add + self.plan_counts.readd if self.plan_counts else None

    @cached_property
    def plan_counts(self) -> PlanCounts | None:
        """What a run with these settings would send; None when that cannot be counted now."""
        ids = [segment.id for segment in self.chosen_segments]
        if self.connection is None or self.waits or not ids or not self.draft.email_attribute:
            return None
        return dry_run.count_unsaved(
            dry_run.UnsavedExport(
                connection=self.connection,
                list_id=self.draft.list_id,
                segment_ids=ids,
                email_attribute=self.draft.email_attribute,
                mapping=self.draft.matched,
                answers=self.draft.answers,
                fields=self.fields,
                control=self.control,
                export_id=self.export.pk if self.export else None,
            )
        )


def _written_by(export: Export) -> set[str]:
    """Return the keys of the fields that an export writes."""
    return {*(pair["field"] for pair in export.mapping), run_settings.control_of(export).written_to} - {""}


def choices_for(user: User) -> Choices:
    """What this person may choose from."""
    connections = Connection.objects.prefetch_related("consents").select_related("export_user").order_by("name")
    return Choices(
        connections=[connection for connection in connections if _offered(user, connection)],
        attributes=audience.attributes(),
        segments=audience.segment_summaries(),
    )


def _offered(user: User, connection: Connection) -> bool:
    return user_can_use(user, connection) and not connection.is_being_removed
