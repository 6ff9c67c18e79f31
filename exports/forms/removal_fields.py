"""Choose what to do with contacts: with those who leave the segments, in the export pane, and with those on a list
that the export leaves, in CleanupForm. actions/list_cleanup.py carries the cleanup out."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.accounts.models import User
from connections import lookups
from connections.destinations.base import Destination
from connections.destinations.values import ListDetails, TargetField, UnsubscribeScope
from connections.lookups import Lookup
from connections.permissions import user_can_manage_connections
from exports.models import Export, Removal
from exports.removal import list_cleanup
from exports.removal.list_cleanup import AbandonedList, CleanupSettings
from exports.state import run_settings

DEFAULT_MARK = gettext_lazy("Left")
_MOST_DIGITS = 12
_HELP: dict[Removal, str | Promise] = {
    Removal.LEAVE: gettext_lazy(
        "Contacts stay on the list with the data last sent. Nothing more is sent to the list."
    ),
    Removal.MARK: gettext_lazy(
        "Contacts stay on the list, with a value in a field that your segments there can use."
    ),
    Removal.DELETE: gettext_lazy("This cannot be undone here, unless the export sends to this list again."),
    Removal.UNSUBSCRIBE: gettext_lazy("This cannot be undone here: only the subscriber can subscribe again."),
}


def choice_field() -> forms.ChoiceField:
    """Return the field of the removal policy, with all policies: ``offered`` says which the destination has."""
    return forms.ChoiceField(
        label=gettext_lazy("When contacts leave the segments"),
        choices=Removal.choices,
        required=False,
        widget=forms.RadioSelect,
    )


def offered(destination: Destination) -> list[Removal]:
    """Return the removal policies that the destination offers."""
    able = {operation.value for operation in destination.capabilities.operations}
    return [removal for removal in Removal if removal is Removal.LEAVE or removal.value in able]


def fields_to_mark(details: ListDetails | None, mapped: Sequence[str]) -> list[TargetField]:
    """Fields of text that nothing else is written to."""
    fields = details.fields if details else ()
    return [field for field in fields if field.data_type == "text" and field.key not in {*mapped, "name"}]


def reaches_everywhere(removal: str, details: ListDetails | None) -> bool:
    """Tell whether unsubscribing takes contacts off other lists as well; unknown before the list is looked up."""
    if removal != Removal.UNSUBSCRIBE:
        return False
    return details is None or details.unsubscribe_scope != UnsubscribeScope.THIS_LIST


def why_not_marked(mark_field: str, mark_value: str, details: ListDetails | None, mapped: Sequence[str]) -> str:
    """What is wrong with the field or the word; empty when nothing is."""
    if not mark_field:
        return _("Choose the field to set when contacts leave the segments.")
    if mark_field in mapped:
        return _("An attribute is already sent to this field. Choose a different field.")
    if details is not None and mark_field not in {field.key for field in fields_to_mark(details, mapped)}:
        return _("The list has no text field %(field)s.") % {"field": mark_field}
    if not mark_value.strip():
        return _("Enter the field value.")
    return ""


class CleanupForm:
    """The choice for one list that the export leaves, as one user sees it. ``typed`` holds what was chosen so far,
    by the names of the fields. ``waits``: contacts are counted once the page asks for it, since that may take
    seconds. ``is_removed``: the export is removed, and not only its list changed."""

    def __init__(
        self,
        user: User,
        export: Export,
        left: AbandonedList,
        typed: Mapping[str, str],
        *,
        is_removed: bool = False,
        waits: bool = False,
    ) -> None:
        self.waits = waits
        self._is_removed = is_removed
        self.user, self.export, self.left = user, export, left
        self.how = typed.get("behind", "") or Removal.LEAVE.value
        self.mark_field = typed.get("behind_field", "").strip()
        self.mark_value = typed.get("behind_value", "").strip() or str(DEFAULT_MARK)
        self.error = ""  # once it is validated
        self.mark_error = ""
        self._seen = typed.get("behind_people", "")

    # -- what is shown -----------------------------------------------------------------------------------------
    @cached_property
    def people(self) -> int | None:
        """Count the contacts that could be removed; None when that takes too long."""
        return list_cleanup.people_of(self.left.delivered_set)

    @property
    def removals(self) -> list[tuple[Removal, str | Promise]]:
        """What may be chosen, with what it means."""
        return [(removal, self._help(removal)) for removal in self._offered]

    def _help(self, removal: Removal) -> str | Promise:
        for_good = self._is_removed and removal is Removal.DELETE
        return _("This cannot be undone here.") if for_good else _HELP[removal]

    @property
    def fields_to_mark(self) -> list[TargetField]:
        return fields_to_mark(self._details, self._mapped)

    @property
    def unsubscribes_everywhere(self) -> bool:
        return self._details is not None and self._details.unsubscribe_scope == UnsubscribeScope.ALL_LISTS

    @property
    def why_only_left(self) -> str:
        """Why there is nothing to choose; empty where there is."""
        if len(self._offered) > 1:
            return ""
        if self.left.connection is None:
            return _("No connection gives access to this list anymore. The contacts stay on it.")
        if self._lookup and self._lookup.trouble:
            return self._lookup.trouble
        if self.people is None:
            return _("The contacts could not be counted. They stay on the list.")
        if not self.people:
            return _("These contacts stay: they were on the list before, or another export sends them.")
        return _("These contacts stay: the limits of the connection allow no other choice.")

    # -- validation --------------------------------------------------------------------------------------------
    def is_valid(self) -> bool:
        """Whether what was chosen can be done; else ``error`` or ``mark_error`` says why not."""
        if self.how == Removal.LEAVE:
            return True
        if self.how not in self._offered:
            self.error = self.why_only_left or _("This choice is not available for the contacts of this list.")
        elif not self._seen_people:
            self.error = _("Check the number of contacts first, then choose.")
        elif self.how == Removal.MARK:
            self.mark_error = why_not_marked(self.mark_field, self.mark_value, self._details, self._mapped)
        return not (self.error or self.mark_error)

    def cleanup(self) -> CleanupSettings:
        """What was decided. Only for a valid form."""
        marks = self.how == Removal.MARK
        return CleanupSettings(
            how=self.how,
            mark_field=self.mark_field if marks else "",
            mark_value=self.mark_value if marks else "",
            unsubscribes_everywhere=reaches_everywhere(self.how, self._details),
            people=self._seen_people,
        )

    @property
    def _seen_people(self) -> int:
        text = self._seen
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0

    @cached_property
    def _offered(self) -> list[Removal]:
        if self.left.connection is None or self._details is None or not self.people:
            return [Removal.LEAVE]
        policies_offered = offered(self.left.connection.destination)
        return [removal for removal in policies_offered if self._may_choose(removal)]

    def _may_choose(self, removal: Removal) -> bool:
        connection, list_id = self.left.connection, self.left.delivered_set.list_id
        if removal is Removal.LEAVE:
            return True
        if connection is None or list_cleanup.why_forbidden(connection, list_id, removal):
            return False
        everywhere = reaches_everywhere(removal, self._details)
        return not everywhere or user_can_manage_connections(self.user)

    @cached_property
    def _lookup(self) -> Lookup | None:
        if self.left.connection is None:
            return None
        return lookups.look_up(self.left.connection, self.left.delivered_set.list_id)

    @property
    def _details(self) -> ListDetails | None:
        return self._lookup.details if self._lookup else None

    @property
    def _mapped(self) -> list[str]:
        control = run_settings.control_of(self.export).written_to
        return [*(pair["field"] for pair in self.export.mapping), *([control] if control else [])]


def cleanup_of_removed_export(
    user: User, export: Export, typed: Mapping[str, str], *, waits: bool
) -> CleanupForm | None:
    """Return the question before an export is removed; None when it has added no contacts."""
    left = list_cleanup.left_by_removing(export)
    return CleanupForm(user, export, left, typed, is_removed=True, waits=waits) if left else None
