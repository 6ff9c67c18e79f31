"""Choose a suppression list to import."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LARGEST_MB = 64


class SuppressionForm(forms.Form):
    """A file, and whether it replaces the one imported before."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A text file such as CSV. The first email address of each row counts."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv"}),
    )
    replaces = forms.BooleanField(
        label=gettext_lazy("Replace the suppression list imported before"),
        required=False,
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_MB * 1024 * 1024:
            raise ValidationError(_("The file is larger than %(most)d MB.") % {"most": LARGEST_MB})
        return file
