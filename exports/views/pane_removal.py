"""Show what becomes of contacts that leave, and what follows from what is typed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from config.platform.accounts.models import User
from config.platform.web.htmx import Request
from connections.destinations.values import ListDetails, TargetField, UnsubscribeScope
from connections.models import Connection
from connections.permissions import user_can_manage_connections
from exports import policies
from exports.forms import removal_fields
from exports.forms.draft import Draft
from exports.forms.export_form import ExportForm
from exports.models import Export, Removal
from exports.selection import wants
from exports.selection.diff import PlanCounts

_HELP: dict[Removal, str | Promise] = {
    Removal.LEAVE: gettext_lazy("Contacts stay on the list with the data last sent."),
    Removal.MARK: gettext_lazy(
        "Recommended. Contacts stay on the list, with a value in a field that your segments "
        "there can use. The value is cleared when they rejoin the segments."
    ),
    Removal.DELETE: gettext_lazy("Contacts are added again when they rejoin the segments."),
    Removal.UNSUBSCRIBE: gettext_lazy("This cannot be undone here: only the subscriber can subscribe again."),
}


@dataclass(frozen=True)
class Leaving:
    """What can be done with contacts that leave the segments."""

    user: User
    form: ExportForm
    connection: Connection | None
    details: ListDetails | None

    @property
    def removals(self) -> list[tuple[Removal, str | Promise]]:
        """Each with what it means."""
        offered = removal_fields.offered(self.form.destination)
        return [(removal, _HELP[removal]) for removal in offered if self._may_choose(removal)]

    def _may_choose(self, removal: Removal) -> bool:
        """What stands there already stays on offer, so that it can be said to be wrong."""
        if self.connection is None or self.form.draft.removal == removal or not policies.takes_off(removal):
            return True
        reaches = removal is Removal.UNSUBSCRIBE and self.unsubscribes_everywhere
        return self.connection.limited.may_remove and (not reaches or user_can_manage_connections(self.user))

    @property
    def unsubscribes_everywhere(self) -> bool:
        return self.details is not None and self.details.unsubscribe_scope == UnsubscribeScope.ALL_LISTS

    @property
    def fields_to_mark(self) -> list[TargetField]:
        draft = self.form.draft
        found = removal_fields.fields_to_mark(self.details, [pair["field"] for pair in draft.matched])
        if draft.mark_field and all(field.key != draft.mark_field for field in found):
            found.append(TargetField(key=draft.mark_field, label=draft.mark_field, data_type="text"))
        return found

    @property
    def mark_value(self) -> str:
        return self.form.draft.mark_value or str(removal_fields.DEFAULT_MARK)


@dataclass(frozen=True)
class Consequences:
    """What else the settings touch: other exports to the list, and contacts that are sent again."""

    draft: Draft
    export: Export | None
    connection: Connection | None
    fields: Sequence[TargetField]
    figures: Callable[[], PlanCounts | None]  # costly: asked only where something has changed

    @property
    def others(self) -> list[tuple[Export, str]]:
        """The other exports to the list, each with the fields that both write."""
        if self.connection is None or not self.draft.list_id:
            return []
        mine = {pair["field"] for pair in self.draft.matched}
        labels = {field.key: field.label for field in self.fields}
        but = self.export.pk if self.export else None
        return [
            (other, ", ".join(sorted(labels.get(key, key) for key in mine & _fields_of(other))))
            for other in wants.exports_to(self.connection.account, self.draft.list_id, but=but)
        ]

    @property
    def sends_again(self) -> int:
        """Count the contacts that are sent again because their data change; known once that has been typed."""
        kept = self.export
        if kept is None or kept.list_id != self.draft.list_id:
            return 0
        same = sorted(kept.mapping, key=str) == sorted(self.draft.matched, key=str)
        if same and kept.answers == {name: value for name, value in self.draft.answers.items() if value}:
            return 0
        figures = self.figures()
        return figures.update if figures else 0


def is_counted_later(request: Request) -> bool:
    """Tell whether a dialog opens before the contacts on the left list are counted; it asks again with
    ``?counted=1``."""
    return bool(request.htmx) and request.method == "GET" and "counted" not in request.GET


def _fields_of(export: Export) -> set[str]:
    return {pair["field"] for pair in export.mapping}
