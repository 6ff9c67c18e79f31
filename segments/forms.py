"""What people fill in on the pages of segments and data sources."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from segments.models import DataSource, Segment
from segments.sources import csv_reader

MOST_TAGS, LONGEST_TAG = 10, 40


class ChooseFileForm(forms.Form):
    """The first step of an import."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV (.csv or .csv.gz): the first line names the columns, values are separated by commas, semicolons "
            "or tabs, text is UTF-8."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.gz,text/csv"}),
        error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")},
        max_length=200,
    )

    def clean_file(self) -> "UploadedFile[Any]":
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if not csv_reader.has_known_suffix(file.name or ""):
            raise ValidationError(_("Choose a file whose name ends in .csv or .csv.gz."))
        if (file.size or 0) > settings.MAX_UPLOAD_MB << 20:
            raise ValidationError(
                _("The file is larger than %(most)d MB. Split it, or import it by the command line."),
                params={"most": settings.MAX_UPLOAD_MB},
            )
        return file


class ImportForm(forms.Form):
    """The second step: how rows are told apart, and where they belong."""

    key_column = forms.ChoiceField(
        label=_("Key column"),
        help_text=_(
            "Tells people apart: each row needs its own value there. A later import updates who has the same key."
        ),
    )
    source_name = forms.CharField(
        label=_("Data source"),
        max_length=120,
        help_text=_("A new name makes a new data source; the name of one that exists refreshes it."),
        widget=forms.TextInput(attrs={"list": "known-sources", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = list(columns)
        key = self.fields["key_column"]
        assert isinstance(key, forms.ChoiceField)  # noqa: S101
        key.choices = [(name, name) for name in columns]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        source = DataSource.objects.filter(name__iexact=cleaned.get("source_name", "")).first()
        key = cleaned.get("key_column", "")
        if source and key and source.key_column.casefold() != key.casefold():
            self.add_error(
                "key_column",
                _("“%(source)s” tells people apart by “%(key)s”. Choose that column, or another data source.")
                % {"source": source.name, "key": source.key_column},
            )
        return cleaned


class SegmentForm(forms.Form):
    """What a segment is called; its rules have an editor of their own."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(
        label=_("Description"), max_length=500, required=False, widget=forms.TextInput(attrs={"maxlength": "500"})
    )

    tags = forms.CharField(
        label=_("Tags"),
        max_length=300,
        required=False,
        help_text=_("Words to find it by, separated by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

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
        """Each word once, whatever its case."""
        tags = [word for part in self.cleaned_data["tags"].split(",") if (word := " ".join(part.split()))]
        different = list({tag.casefold(): tag for tag in reversed(tags)}.values())[::-1]
        if len(different) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in different):
            raise ValidationError(
                _("At most %(most)d tags of at most %(longest)d characters."),
                params={"most": MOST_TAGS, "longest": LONGEST_TAG},
            )
        return different
