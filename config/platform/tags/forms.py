"""Fields and forms of tags: those of one row, and those of several rows."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.tags.models import Tagged
from config.platform.tags.texts import MAX_TAG_LENGTH, MAX_TAGS, are_too_many, different_tags, split_tags


def tags_field(label: Any = None, **attributes: object) -> forms.CharField:
    """Return a field for tags that are separated by commas."""
    return forms.CharField(
        label=label or gettext_lazy("Tags"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Separate tags with commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off", **attributes}),
    )


def clean_tags(text: str) -> list[str]:
    """Split typed tags and drop repeated ones, whatever their case. Raises ValidationError."""
    tags = split_tags(text)
    if are_too_many(tags):
        raise ValidationError(why_refused(tags))
    return tags


def why_refused(tags: Sequence[str]) -> str:
    """Say which tag is too long, or how many tags there can be and how long they can be."""
    if too_long := next((tag for tag in tags if len(tag) > MAX_TAG_LENGTH), ""):
        sentence = _("“%(tag)s” is too long. A tag has at most %(longest)d characters.")
        return sentence % {"tag": too_long, "longest": MAX_TAG_LENGTH}
    sentence = _("At most %(most)d tags of at most %(longest)d characters.")
    return sentence % {"most": MAX_TAGS, "longest": MAX_TAG_LENGTH}


class TagsForm(forms.Form):
    """Choose tags to add to several rows, and tags of theirs to remove."""

    add = tags_field(gettext_lazy("Tags to add"), autofocus=True)
    remove = forms.MultipleChoiceField(
        label=gettext_lazy("Tags to remove"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, rows: Sequence[Tagged], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        present = sorted(different_tags(tag for row in rows for tag in row.tags), key=str.casefold)
        self.fields["remove"].choices = [(tag, tag) for tag in present]  # type: ignore[attr-defined]

    def clean_add(self) -> list[str]:
        return clean_tags(self.cleaned_data["add"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["add"] and not cleaned["remove"]:
            self.add_error("add", _("Enter a tag to add, or select one to remove."))
        return cleaned
