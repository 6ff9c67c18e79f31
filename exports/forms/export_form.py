"""Validate the settings of an export as they were typed. The page brings what there is to choose from, and a
way to look a list up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.tags.forms import clean_tags, tags_field
from connections import destinations
from connections.destinations.base import Destination
from connections.destinations.values import ListDetails, ListOptIn, Question, attribute_of
from connections.lookups import Lookup
from connections.models import Connection, Limits
from exports import policies
from exports.actions.manage import ExportSettings
from exports.forms import control_fields, option_fields, removal_fields
from exports.forms.draft import Draft, Pair
from exports.forms.option_fields import OPTION_PREFIX, ExportOption
from exports.models import Export, Removal
from exports.state import run_settings
from segments.audience import SegmentSummary
from segments.catalog import Attribute
from segments.models import AttributeType, Segment

LookUp = Callable[[Connection, str], Lookup]


@dataclass(frozen=True)
class Choices:
    """What there is to choose from, for the person who looks at the form."""

    connections: Sequence[Connection]
    attributes: Sequence[Attribute]
    segments: Sequence[SegmentSummary]

    def connection(self, text: str) -> Connection | None:
        """The connection of that id, if the person may use it."""
        return next((found for found in self.connections if str(found.pk) == text), None)

    @property
    def grouped_connections(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Grouped by type; types without any are not shown."""
        groups = []
        for destination in destinations.all_destinations():
            mine = [(str(c.pk), _named(c)) for c in self.connections if c.destination_key == destination.key]
            if mine:
                groups.append((str(destination.label), mine))
        return groups

    @property
    def email_attributes(self) -> list[Attribute]:
        """Only text can be an address."""
        return [attribute for attribute in self.attributes if attribute.data_type == AttributeType.TEXT]


class ExportForm(forms.Form):
    """The pane’s form. ``look_up`` is asked once, when the rest of connection and list is in order."""

    name = forms.CharField(
        label=gettext_lazy("Display name"),
        max_length=120,
        help_text=gettext_lazy("For example, “Newsletter readers to the spring list”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    tags = tags_field()
    connection = forms.ChoiceField(label=gettext_lazy("Connection for export"))
    list_id = forms.CharField(
        max_length=64,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    email_attribute = forms.ChoiceField(label=gettext_lazy("Email"))
    segments = forms.MultipleChoiceField(
        label=gettext_lazy("Segments"), widget=forms.CheckboxSelectMultiple, required=True
    )
    opt_in_mail_accepted = forms.BooleanField(required=False)
    removal = removal_fields.choice_field()
    mark_field = forms.CharField(label=gettext_lazy("Field"), max_length=120, required=False)
    mark_value = forms.CharField(label=gettext_lazy("Field value"), max_length=100, required=False)
    control_mode = control_fields.mode_field()
    control_percentage = forms.CharField(label=gettext_lazy("Percentage"), required=False)
    control_field = forms.CharField(label=gettext_lazy("Field"), max_length=120, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        draft: Draft,
        choices: Choices,
        look_up: LookUp,
        export: Export | None = None,
    ) -> None:
        super().__init__(data, initial=draft.initial())
        self.choices, self.export = choices, export
        self.chosen = choices.connection(draft.connection)
        self.draft = (
            replace(draft, list_id=self.destination.one_way_to_write(draft.list_id)) if self.chosen else draft
        )
        self.lookup: Lookup | None = None
        self.mapping_errors: dict[int, str] = {}
        self._look_up = look_up
        self._offer()

    # -- what there is to choose -------------------------------------------------------------------------------
    @property
    def destination(self) -> Destination:
        """The chosen connection's; while there is none, the first there is, for its words."""
        return self.chosen.destination if self.chosen else destinations.all_destinations()[0]

    @property
    def applicable(self) -> list[Question]:
        """The options of the destination that apply to what is mapped."""
        return run_settings.asked(self.destination.questions(), self.draft.matched)

    @property
    def options(self) -> list[ExportOption]:
        """Return the options with their fields, those that are rarely changed last."""
        shown = [option_fields.option_with_fields(self, question) for question in self.applicable]
        return sorted(shown, key=lambda option: option.has_default)

    def _offer(self) -> None:
        _choose(self.fields["connection"], [("", _("Choose a connection")), *self.choices.grouped_connections])
        emails = [(attribute.name, attribute.name) for attribute in self.choices.email_attributes]
        if self.chosen is not None:
            limits = self.chosen.limited
            emails = [(name, label) for name, label in emails if self._may_stand(limits, name)]
        _choose(self.fields["email_attribute"], [("", _("Choose an attribute")), *emails])
        _choose(self.fields["segments"], [(str(segment.id), segment.name) for segment in self.choices.segments])
        self.fields["list_id"].label = self.destination.list_id_label
        for question in self.applicable:
            self.fields.update(option_fields.fields_of(question, self._attributes_for(question)))

    def _attributes_for(self, question: Question) -> list[str]:
        """The attributes that may answer; whatever answers now is among them, so that it can be said to be
        wrong."""
        limits = self.chosen.limited if self.chosen else Limits()
        chosen = attribute_of(self.draft.answers.get(question.name, ""))
        return [
            attribute.name
            for attribute in self.choices.attributes
            if option_fields.can_give_value(attribute)
            and (limits.allows_attribute(attribute.name) or attribute.name == chosen)
        ]

    def _may_stand(self, limits: Limits, name: str) -> bool:
        """What is forbidden is not offered; what stands there already is, so that it can be said to be wrong."""
        return limits.allows_attribute(name) or name == self.draft.email_attribute

    # -- validation -----------------------------------------------------------------------------------------------
    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Export.objects.filter(name__iexact=name)
        if self.export is not None:
            others = others.exclude(pk=self.export.pk)
        if others.exists():
            raise forms.ValidationError(name_taken(name))
        return name

    def clean_tags(self) -> list[str]:
        return clean_tags(self.cleaned_data["tags"])

    def clean_list_id(self) -> str:
        return self.draft.list_id  # without the blanks that were pasted along

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        details = self._check_list(cleaned)
        self._check_mapping(details)
        self._check_options()
        self._check_limits(cleaned)
        self._check_opt_in(cleaned, details)
        self._check_removal(cleaned, details)
        self._check_control(cleaned, details)
        return cleaned

    def _check_list(self, cleaned: dict[str, Any]) -> ListDetails | None:
        if self.chosen is None or not cleaned.get("list_id"):
            return None
        self.lookup = self._look_up(self.chosen, cleaned["list_id"])
        if self.lookup.details is None and not (self.lookup.passing and self._keeps_list(cleaned)):
            self.add_error("list_id", self.lookup.trouble)
        return self.lookup.details

    def _keeps_list(self, cleaned: dict[str, Any]) -> bool:
        """The list was looked up when it was chosen; that the vendor is away must not stop another change."""
        kept = self.export
        return (
            kept is not None
            and self.chosen is not None
            and (kept.connection_id, kept.list_id) == (self.chosen.pk, cleaned["list_id"])
        )

    def _check_mapping(self, details: ListDetails | None) -> None:
        attributes = {attribute.name for attribute in self.choices.attributes}
        fields = {field.key for field in details.fields} if details else None
        taken: set[str] = set()
        for place, pair in enumerate(self.draft.mapping):
            if pair.is_empty:
                continue
            if error := _wrong(pair, attributes, fields, taken):
                self.mapping_errors[place] = error
            taken.add(pair.field)
        if self.mapping_errors:
            self.add_error(None, _("Check the added attributes."))

    def _check_options(self) -> None:
        for question in self.applicable:
            if option_fields.lacks_attribute(self.draft.answers.get(question.name, "")):
                self.add_error(
                    f"{OPTION_PREFIX}{question.name}", _("Choose the attribute to read the value from.")
                )

    def _check_limits(self, cleaned: dict[str, Any]) -> None:
        """What the connection's limits forbid, said beside what is guilty of it."""
        if self.chosen is None:
            return
        for breach in self.chosen.limited.breaches(
            list_id=cleaned.get("list_id", ""),
            email_attribute=cleaned.get("email_attribute", ""),
            mapping=run_settings.attributes_that_leave(
                [{"attribute": name} for pair in self.draft.mapping for name in pair.value.attributes],
                self.draft.answers,
            ),
            removes=policies.takes_off(cleaned.get("removal", "")),
        ):
            if breach.part != "mapping":
                self.add_error(breach.part, breach.sentence)
                continue
            for place, pair in enumerate(self.draft.mapping):
                if breach.attribute in pair.value.attributes:
                    self.mapping_errors[place] = breach.sentence
            self.add_error(None, breach.sentence)

    def _check_opt_in(self, cleaned: dict[str, Any], details: ListDetails | None) -> None:
        if details and details.opt_in == ListOptIn.CONFIRMED and not cleaned.get("opt_in_mail_accepted"):
            sentence = _("%(type)s emails every new contact on this list. Select this to accept it.")
            self.add_error("opt_in_mail_accepted", sentence % {"type": self.destination.label})

    def _check_removal(self, cleaned: dict[str, Any], details: ListDetails | None) -> None:
        removal = cleaned.get("removal") or Removal.LEAVE
        if removal not in removal_fields.offered(self.destination):
            self.add_error("removal", _("%(type)s does not support this.") % {"type": self.destination.label})
        if removal != Removal.MARK:
            return
        mapped = [pair["field"] for pair in self.draft.matched]
        field, value = cleaned.get("mark_field", ""), cleaned.get("mark_value", "")
        if error := removal_fields.why_not_marked(field, value, details, mapped):
            self.add_error("mark_field", error)

    def _check_control(self, cleaned: dict[str, Any], details: ListDetails | None) -> None:
        mapped = [pair["field"] for pair in self.draft.matched]
        mark_field = cleaned.get("mark_field", "") if cleaned.get("removal") == Removal.MARK else ""
        for name, sentence in control_fields.problems(self.draft.control, details, mapped, mark_field):
            self.add_error(name, sentence)

    # -- results ----------------------------------------------------------------------------------------------
    def settings(self) -> ExportSettings:
        """What was decided. Only for a valid form."""
        details = self.lookup.details if self.lookup else None
        if details is not None:
            title, confirmed, group = details.title, details.opt_in == ListOptIn.CONFIRMED, details.group_id
        else:
            title = self.export.list_title if self.export else ""
            confirmed = bool(self.export and self.export.list_confirmed_opt_in)
            group = self.export.list_group if self.export else ""
        cleaned = self.cleaned_data
        return ExportSettings(
            name=cleaned["name"],
            tags=cleaned["tags"],
            connection=self.chosen,
            list_id=cleaned["list_id"],
            list_title=title[:200],
            list_confirmed_opt_in=confirmed,
            list_group=group,
            email_attribute=cleaned["email_attribute"],
            segments=list(Segment.objects.filter(pk__in=cleaned["segments"])),
            mapping=self.draft.matched,
            answers=self._chosen_options(),
            opt_in_mail_accepted=confirmed and cleaned["opt_in_mail_accepted"],
            **self._removal(details),
            **self._control(),
        )

    def _control(self) -> dict[str, Any]:
        control = self.draft.control.settings()
        return {
            "control_mode": control.mode,
            "control_percentage": control.percentage,
            "control_field": control.field,
        }

    def _removal(self, details: ListDetails | None) -> dict[str, Any]:
        """Return what becomes of contacts that leave. While the list cannot be looked up, what was agreed
        before holds."""
        removal = self.cleaned_data["removal"] or Removal.LEAVE
        marks = removal == Removal.MARK
        everywhere = removal_fields.reaches_everywhere(removal, details)
        if details is None and self.export is not None and self.export.removal == removal:
            everywhere = self.export.unsubscribes_everywhere
        return {
            "removal": removal,
            "mark_field": self.cleaned_data["mark_field"] if marks else "",
            "mark_value": self.cleaned_data["mark_value"].strip() if marks else "",
            "unsubscribes_everywhere": everywhere,
        }

    def _chosen_options(self) -> dict[str, str]:
        """Those that are not the usual ones."""
        answers = {question.name: self.draft.answers.get(question.name, "") for question in self.applicable}
        usual = {question.name: question.default for question in self.applicable}
        return {name: answer for name, answer in answers.items() if answer not in {"", usual[name]}}


def name_taken(name: str) -> str:
    """What to say when two exports would have one name."""
    return _("Another export has the name “%(name)s”.") % {"name": name}


def _wrong(pair: Pair, attributes: set[str], fields: set[str] | None, taken: set[str]) -> str:
    """What is wrong with one row of the data matching; ``fields`` is None while the list is not known."""
    if missing := _missing(pair):
        return missing
    for name in pair.value.attributes:
        if name not in attributes:
            return _("Profiles have no attribute “%(name)s”.") % {"name": name}
    if fields is not None and pair.field not in fields:
        return _("The list has no field %(field)s.") % {"field": pair.field}
    if pair.field in taken:
        return _("Another attribute is already sent to this field. Choose a different field.")
    return ""


def _missing(pair: Pair) -> str:
    if not pair.attribute:
        return _("Choose the profile attribute, or remove this row.")
    if pair.is_constant and not pair.format.default:
        return _("Enter the value for all contacts, or remove this row.")
    return "" if pair.field else _("Choose a field of the list, or remove this row.")


def _choose(field: forms.Field, choices: Sequence[Any]) -> None:
    field.choices = choices  # type: ignore[attr-defined]


def _named(connection: Connection) -> str:
    """Return the name with the environment, unless the name says it already."""
    says_sandbox = not connection.is_sandbox or "sandbox" in connection.name.casefold()
    return str(connection) if says_sandbox else _("%(name)s (sandbox)") % {"name": connection}
