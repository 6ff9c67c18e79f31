"""Forms of the pages of segments, data sources and customers."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.platform.tags.forms import clean_tags, tags_field
from config.platform.text.addresses import comparable_email
from segments.hooks import ContactedList
from segments.models import DataSource, ImportMode, Segment
from segments.privacy.subjects import Scope
from segments.sources.column_plan import MisfitPolicy
from segments.sources.file_names import SUFFIXES, suffix_of
from segments.sources.keys import same_columns
from segments.store.profiles import Profile


class ChooseFileForm(forms.Form):
    """Choose a file to import: the first step."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV or other delimited text, Excel workbook (.xlsx), Parquet, or JSON lines. Text files can be "
            "compressed with gzip."
        ),
        widget=forms.FileInput(attrs={"accept": ",".join((*SUFFIXES, ".gz"))}),
        error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")},
        max_length=200,
    )

    def clean_file(self) -> "UploadedFile[Any]":
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if not suffix_of(file.name or ""):
            raise ValidationError(
                _(
                    "Choose a .csv, .tsv, .txt, .xlsx, .parquet or .jsonl file, or a text file "
                    "compressed with gzip (.gz)."
                )
            )
        if (file.size or 0) > settings.MAX_UPLOAD_MB << 20:
            raise ValidationError(
                _("The file is larger than %(most)d MB. Split the file, or use the command line."),
                params={"most": settings.MAX_UPLOAD_MB},
            )
        return file


class ChosenColumnsField(forms.MultipleChoiceField):
    """Choose any number of columns; an empty value is none."""

    def to_python(self, value: Any) -> list[str]:
        """Return the columns that were chosen."""
        return [each for each in super().to_python(value) if each]


class ImportForm(forms.Form):
    """Choose the key columns and the data source of an import: the second step."""

    key_column = forms.ChoiceField(
        label=_("Key column"),
        help_text=_(
            "The column that identifies each customer. Each row needs a unique value. A later import "
            "updates customers with the same key."
        ),
    )
    further_key_columns = ChosenColumnsField(
        label=_("Additional key columns"),
        required=False,
        help_text=_(
            "Select them if one column alone does not identify a customer, such as a "
            "store and a customer number in that store."
        ),
        widget=forms.CheckboxSelectMultiple,
    )
    source_name = forms.CharField(
        label=_("Data source"),
        max_length=120,
        help_text=_("A new name creates a data source. An existing name updates that data source."),
        widget=forms.TextInput(attrs={"list": "known-sources", "autocomplete": "off"}),
    )

    mode = forms.ChoiceField(
        label=_("Customers of the data source who are not in the file"),
        choices=ImportMode.choices,
        initial=ImportMode.UPSERT,
        required=False,
        widget=forms.RadioSelect,
    )
    misfit = forms.ChoiceField(
        label=_("If a value does not match the column type"),
        choices=[(MisfitPolicy.EMPTY, _("Leave it empty")), (MisfitPolicy.REJECT, _("Reject the row"))],
        initial=MisfitPolicy.EMPTY,
        required=False,
    )

    def __init__(self, *args: Any, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = list(columns)
        key = self.fields["key_column"]
        assert isinstance(key, forms.ChoiceField)  # noqa: S101
        key.choices = [(name, name) for name in columns]
        further = self.fields["further_key_columns"]
        assert isinstance(further, forms.MultipleChoiceField)  # noqa: S101
        further.choices = [(name, name) for name in columns]

    def clean_mode(self) -> ImportMode | None:
        return ImportMode(self.cleaned_data["mode"]) if self.cleaned_data["mode"] else None

    def clean_misfit(self) -> MisfitPolicy:
        return MisfitPolicy(self.cleaned_data["misfit"] or MisfitPolicy.EMPTY)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        source = DataSource.objects.filter(name__iexact=cleaned.get("source_name", "")).first()
        key = cleaned.get("key_column", "")
        cleaned["further_key_columns"] = [each for each in cleaned.get("further_key_columns", ()) if each != key]
        if source and key and not same_columns(source.key_columns, [key, *cleaned["further_key_columns"]]):
            self.add_error(
                "key_column",
                _("“%(source)s” uses the key column “%(key)s”. Choose that column, or another data source.")
                % {"source": source.name, "key": source.key_label},
            )
        return cleaned


def show_that_name_renames(form: forms.Form) -> None:
    """Show beside the name that it is that of the data source which is edited."""
    form.fields["source_name"].help_text = _(
        "If you change the name, the data source is renamed. Commands that import into it need the new name."
    )


class SegmentForm(forms.Form):
    """Name, description and tags of a segment; the rules have their own editor."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(
        label=_("Description"), max_length=500, required=False, widget=forms.TextInput(attrs={"maxlength": "500"})
    )
    tags = tags_field()

    def __init__(self, *args: Any, segment: Segment | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._segment = segment

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Segment.objects.filter(name__iexact=name)
        if self._segment is not None:
            others = others.exclude(pk=self._segment.pk)
        if others.exists():
            raise ValidationError(_("Another segment has this name. Choose a different one."))
        return name

    def clean_tags(self) -> list[str]:
        """Split the tags and drop repeated ones, whatever their case."""
        return clean_tags(self.cleaned_data["tags"])


class EraseForm(forms.Form):
    """Choose which profiles and lists an erasure includes, and confirm it by typing the key."""

    scope = forms.ChoiceField(label=_("Customers"), widget=forms.RadioSelect, required=False)
    same_key = forms.BooleanField(label="", required=False)
    lists = forms.MultipleChoiceField(
        label=_("Also remove from these lists"), widget=forms.CheckboxSelectMultiple, required=False
    )
    confirmation = forms.CharField(
        label="", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(
        self,
        *args: Any,
        profile: Profile,
        with_address: int,
        with_key: int,
        lists: Sequence[ContactedList],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._key = profile.key
        confirmation = self.fields["confirmation"]
        confirmation.label = _("Type the key “{key}” to confirm").format(key=profile.key)
        self._offer_scope(with_address)
        self._offer_same_key(with_key)
        self._offer_lists([each for each in lists if not each.obstacle])

    def clean_confirmation(self) -> str:
        typed = str(self.cleaned_data["confirmation"]).strip()
        if typed != self._key:
            raise forms.ValidationError(_("The key does not match."))
        return typed

    def choices(self) -> dict[str, Any]:
        """Return the chosen arguments of ``erase``; fields that were not offered have their defaults."""
        return {
            "scope": Scope(self.cleaned_data.get("scope") or Scope.ADDRESS),
            "same_key": self.cleaned_data.get("same_key", False),
            "lists": self.cleaned_data.get("lists", []),
        }

    def _offer_scope(self, others: int) -> None:
        if not others:
            del self.fields["scope"]
            return
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ChoiceField)  # noqa: S101
        people = ngettext(
            "This profile and {n} other profile with the same email",
            "This profile and {n} other profiles with the same email",
            others,
        )
        scope.choices = [
            (Scope.ADDRESS.value, people.format(n=others)),
            (Scope.PROFILE.value, _("This profile only. The email is kept, because other profiles use it.")),
        ]
        scope.initial = Scope.ADDRESS.value

    def _offer_same_key(self, others: int) -> None:
        if not others:
            del self.fields["same_key"]
            return
        label = ngettext(
            "Also {n} profile with the same key in another data source",
            "Also {n} profiles with the same key in other data sources",
            others,
        )
        self.fields["same_key"].label = label.format(n=others)

    def _offer_lists(self, lists: Sequence[ContactedList]) -> None:
        if not lists:
            del self.fields["lists"]
            return
        choices = self.fields["lists"]
        assert isinstance(choices, forms.MultipleChoiceField)  # noqa: S101
        choices.choices = [(each.key, f"{each.title} ({each.destination}, {each.connection})") for each in lists]
        choices.initial = [each.key for each in lists]


class LookUpForm(forms.Form):
    """Look up by email whether a person was erased and which lists they were sent to."""

    address = forms.CharField(
        label=_("Email address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )

    def clean_address(self) -> str:
        typed = str(self.cleaned_data["address"])
        return comparable_email(typed) or typed.strip().lower()
