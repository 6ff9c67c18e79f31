"""Forms of the import step: the format of a file, and how each column becomes an attribute."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from segments import catalog
from segments.models import AttributeType
from segments.sources.column_plan import (
    ColumnFormat,
    ColumnPlan,
    ColumnType,
    MisfitPolicy,
    is_date_pattern,
    is_time_zone,
)
from segments.sources.files.file_format import FileFormat, FileKind

_ENCODINGS: Final = (
    "utf-8", "utf-16-le", "cp1252", "cp1250", "cp1251", "cp1257", "iso-8859-2", "iso-8859-15", "gb18030", "big5",
    "shift_jis",
)  # fmt: skip
_DELIMITERS: Final = ((",", _("Comma")), (";", _("Semicolon")), ("\t", _("Tab")), ("|", "|"))
_DATE_FORMATS: Final = (
    ("", _("2024-02-29 (ISO 8601)")), ("%d.%m.%Y", "29.02.2024"), ("%d/%m/%Y", "29/02/2024"),
    ("%m/%d/%Y", "02/29/2024"), ("%d-%m-%Y", "29-02-2024"), ("%m-%d-%Y", "02-29-2024"),
    ("%Y/%m/%d", "2024/02/29"), ("%Y%m%d", "20240229"),
)  # fmt: skip
_THOUSANDS: Final = (("", _("None")), (",", ","), (".", "."), (" ", _("Space")), ("'", "'"))


class FormatForm(forms.Form):
    """Change the detected format of a file."""

    prefix = "format"
    encoding = forms.ChoiceField(label=_("Encoding"), required=False)
    delimiter = forms.ChoiceField(label=_("Delimiter"), required=False)
    header_line = forms.IntegerField(label=_("Header line"), min_value=1, max_value=200, required=False)
    sheet = forms.ChoiceField(label=_("Sheet"), required=False)

    def __init__(self, *args: Any, detected: FileFormat, sheets: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_text = detected.kind is FileKind.CSV
        delimiters = dict(_DELIMITERS)
        delimiters.setdefault(detected.delimiter, detected.delimiter)
        encodings = dict.fromkeys((*_ENCODINGS, detected.encoding))
        self._set_choices("encoding", [(name, name) for name in encodings], needed=is_text)
        self._set_choices("delimiter", list(delimiters.items()), needed=is_text)
        self._set_choices("sheet", [(name, name) for name in sheets], needed=len(sheets) > 1)
        if detected.kind not in (FileKind.CSV, FileKind.XLSX):
            del self.fields["header_line"]

    def choices(self, detected: FileFormat) -> dict[str, Any]:
        """Return what the user changed of the detected format, or nothing when the form is not valid."""
        given: Mapping[str, Any] = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return {name: value for name, value in given.items() if value and value != getattr(detected, name)}

    def _set_choices(self, name: str, choices: list[tuple[str, Any]], *, needed: bool) -> None:
        if not needed:
            del self.fields[name]
            return
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = choices


class SpellingForm(forms.Form):
    """Choose how the texts of a column are written."""

    date_format = forms.ChoiceField(label=_("Date format"), required=False)
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        help_text=_("Such as Europe/Helsinki. Leave empty for the time zone of the environment."),
    )
    decimal = forms.ChoiceField(label=_("Decimal separator"), choices=[(".", "."), (",", ",")], required=False)
    thousands = forms.ChoiceField(label=_("Thousands separator"), choices=_THOUSANDS, required=False)
    true_word = forms.CharField(label=_("Value for yes"), max_length=40, required=False)
    false_word = forms.CharField(label=_("Value for no"), max_length=40, required=False)
    separator = forms.ChoiceField(
        label=_("List separator"), choices=[("", "JSON"), (";", ";"), ("|", "|"), (",", ",")], required=False
    )
    null_words = forms.CharField(
        label=_("Values that mean “no value”"), required=False, help_text=_("Separate values with commas.")
    )
    decimals = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=15)

    def __init__(self, data: Any = None, *, plan: ColumnPlan, prefix: str, initial: Mapping[str, Any]) -> None:
        spelling = {"null_words": ", ".join(plan.null_words), **vars(plan.format)}
        super().__init__(data, initial={**spelling, **initial}, prefix=prefix)
        formats = dict(_DATE_FORMATS)
        # Formats of dates that the list does not have; a wrong one only makes values misfits.
        for other in (plan.format.date_format, self.data.get(self.add_prefix("date_format"), "")[:60]):
            formats.setdefault(other, other)
        field = self.fields["date_format"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = list(formats.items())

    def clean_date_format(self) -> str:
        pattern: str = self.cleaned_data["date_format"]
        if not is_date_pattern(pattern):
            raise ValidationError(_("This is not a valid date format."))
        return pattern

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone and not is_time_zone(zone):
            raise ValidationError(_("There is no time zone with this name."))
        return zone

    def check_thousands(self, cleaned: Mapping[str, Any]) -> None:
        """Add an error when numbers could not be read."""
        if cleaned.get("thousands") and cleaned.get("thousands") == cleaned.get("decimal"):
            self.add_error("thousands", _("The thousands separator must differ from the decimal separator."))

    def spelling(self) -> ColumnFormat:
        """Return the format of a valid form."""
        given, default = self.cleaned_data, ColumnFormat()
        return ColumnFormat(
            date_format=given["date_format"],
            time_zone=given["time_zone"],
            decimal=given["decimal"] or default.decimal,
            thousands=given["thousands"],
            decimals=given["decimals"],
            true_word=given["true_word"] or default.true_word,
            false_word=given["false_word"] or default.false_word,
            separator=given["separator"],
        )

    def words_for_no_value(self) -> tuple[str, ...]:
        """Return the null words of a valid form."""
        return tuple(word for part in self.cleaned_data["null_words"].split(",") if (word := part.strip()))


class ColumnForm(SpellingForm):
    """Choose how a column becomes an attribute."""

    column = forms.CharField(widget=forms.HiddenInput)
    attribute = forms.CharField(
        label=_("Attribute"), max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    type = forms.ChoiceField(label=_("Type"), choices=AttributeType.choices)
    is_ignored = forms.BooleanField(label=_("Do not import"), required=False)
    is_email = forms.BooleanField(label=_("Use as email"), required=False)
    is_searchable = forms.BooleanField(label=_("Searchable"), required=False)

    def __init__(self, data: Any = None, *, plan: ColumnPlan, prefix: str, is_new: bool = True) -> None:
        super().__init__(data, plan=plan, prefix=prefix, initial=_initial(plan))
        # The search reads texts; the page of attributes says whether known ones are searchable.
        if not is_new or plan.type is not ColumnType.TEXT:
            self.fields["is_searchable"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("is_ignored"):
            return cleaned
        attribute = " ".join(cleaned.get("attribute", "").split())
        if not attribute:
            self.add_error("attribute", _("Enter a name, or choose not to import the column."))
        known = catalog.find([attribute]).get(attribute)
        if known is not None and cleaned.get("type") not in (None, known.data_type):
            message = _(
                "The attribute “%(name)s” already exists with the type %(type)s. Choose "
                "this type, or another name."
            )
            self.add_error("type", message % {"name": known.name, "type": known.data_type.label})
        self.check_thousands(cleaned)
        cleaned["attribute"] = attribute
        return cleaned

    def plan(self, misfit: MisfitPolicy) -> ColumnPlan:
        """Return the plan of a valid form."""
        given = self.cleaned_data
        return ColumnPlan(
            given["column"],
            attribute=given["attribute"],
            type=ColumnType(given["type"]),
            format=self.spelling(),
            null_words=self.words_for_no_value(),
            misfit=misfit,
            is_email=given["is_email"],
            is_searchable=given["is_searchable"],
            is_ignored=given["is_ignored"],
        )


def column_forms(plans: Sequence[ColumnPlan], data: Any = None) -> list[ColumnForm]:
    """Return the forms of the columns of a file, bound to what was posted for them, if that is for this column."""
    known = catalog.find([plan.attribute for plan in plans])
    return [
        ColumnForm(
            data if data is not None and data.get(f"c{at}-column") == plan.column else None,
            plan=plan,
            prefix=f"c{at}",
            is_new=plan.attribute not in known,
        )
        for at, plan in enumerate(plans)
    ]


def are_valid(column: Sequence[ColumnForm]) -> bool:
    """Say whether all forms of columns are valid, and no attribute is named twice."""
    seen: set[str] = set()
    valid = True
    for form in column:
        if not form.is_valid():
            valid = False
        elif not form.cleaned_data["is_ignored"]:
            name = form.cleaned_data["attribute"].casefold()
            if name in seen:
                form.add_error("attribute", _("Another column is imported as this attribute."))
                valid = False
            seen.add(name)
    return valid


def _initial(plan: ColumnPlan) -> dict[str, Any]:
    return {
        "column": plan.column,
        "attribute": plan.attribute,
        "type": str(plan.type),
        "is_ignored": plan.is_ignored,
        "is_email": plan.is_email,
        "is_searchable": plan.is_searchable,
    }
