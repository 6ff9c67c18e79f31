"""The forms of the folder and of the bucket that a data source watches."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from segments.models import ImportMode, WatchedPlace
from segments.models.watched_place import BUCKET_INTERVALS
from segments.sources.watched_places.bucket_settings import (
    DEFAULT_INTERVAL,
    BucketSettings,
    normal_endpoint,
    normal_folder,
)

_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false"}
_PATH_STYLE: Final = "path"
_HOST_STYLE: Final = "host"


class _TargetForm(forms.Form):
    """The data source that files are imported into."""

    source_name = forms.CharField(
        label=_("Data source"),
        max_length=120,
        help_text=_("A new name creates a data source. An existing name updates that data source."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    key_columns = forms.CharField(
        label=_("Key column"),
        max_length=500,
        help_text=_("The column that identifies each customer. Separate several columns with commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    mode = forms.ChoiceField(
        label=_("Customers of the data source who are not in the file"),
        choices=[
            (ImportMode.UPSERT, _("They stay. Nothing is removed.")),
            (ImportMode.SNAPSHOT, _("They are removed. If there are many, you are asked to confirm first.")),
        ],
        initial=ImportMode.UPSERT,
        widget=forms.RadioSelect,
    )

    def clean_key_columns(self) -> list[str]:
        names = [name for part in self.cleaned_data["key_columns"].split(",") if (name := part.strip())]
        if not names:
            raise ValidationError(_("Enter the name of a column."))
        return names

    def clean_mode(self) -> ImportMode:
        return ImportMode(self.cleaned_data["mode"])

    def target(self) -> dict[str, Any]:
        """Return the data source of a valid form, as the actions take it."""
        return {name: self.cleaned_data[name] for name in ("source_name", "key_columns", "mode")}


class WatchedFolderForm(_TargetForm):
    """Choose the folder that a data source watches."""

    field_order = ("folder", "pattern")
    folder = forms.CharField(
        label=_("Folder"),
        max_length=240,
        help_text=_("The full path on the server, in a folder that is listed in the setting SOURCE_FOLDERS."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    pattern = forms.CharField(
        label=_("File names"),
        max_length=200,
        help_text=_("A pattern, such as customers-*.csv. Files are imported in the order of their names."),
        widget=forms.TextInput(attrs=_PLAIN),
    )


class WatchedBucketForm(_TargetForm):
    """Enter the bucket that a data source watches."""

    use_required_attribute = False
    bucket = forms.CharField(label=_("Bucket"), max_length=63, widget=forms.TextInput(attrs=_PLAIN))
    folder = forms.CharField(
        label=_("Folder in the bucket"),
        max_length=1000,
        required=False,
        help_text=_("The prefix of the files, such as exports/shop/. Leave empty for the whole bucket."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    pattern = forms.CharField(
        label=_("File names"),
        max_length=200,
        help_text=_("A pattern, such as customers-*.csv, or with folders */customers-*.csv."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    endpoint = forms.CharField(
        label=_("Endpoint"),
        max_length=255,
        required=False,
        help_text=_("The address of an S3-compatible server. Leave empty for Amazon S3."),
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url", "placeholder": "https://storage.example.com"}),
    )
    region = forms.CharField(
        label=_("Region"),
        max_length=64,
        required=False,
        help_text=_("Such as eu-central-1. Leave empty for us-east-1."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    style = forms.ChoiceField(
        label=_("Address style"),
        choices=[
            (_PATH_STYLE, _("Path style")),
            (_HOST_STYLE, _("Host style")),
        ],
        initial=_PATH_STYLE,
        help_text=_("Path style: endpoint/bucket. Host style: bucket.endpoint."),
    )
    interval = forms.ChoiceField(
        label=_("Look for files"),
        choices=[(str(int(each.total_seconds())), label) for each, label in BUCKET_INTERVALS.items()],
        initial=str(int(DEFAULT_INTERVAL.total_seconds())),
    )
    access_key_id = forms.CharField(
        label=_("Access key ID"),
        max_length=128,
        required=False,
        help_text=_("It needs only s3:ListBucket and s3:GetObject. Leave empty for a public bucket."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    secret_key = forms.CharField(
        label=_("Secret key"),
        max_length=1_000,
        required=False,
        strip=False,
        help_text=_("Or enter a reference to a secret: env:CREDENTIAL_NAME or file:/run/secrets/name."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = (
        "bucket",
        "folder",
        "pattern",
        "interval",
        "endpoint",
        "region",
        "style",
        "access_key_id",
        "secret_key",
    )

    def __init__(self, *args: Any, has_secret: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_secret:
            self.show_that_secret_is_known()

    def show_that_secret_is_known(self) -> None:
        """Show that the secret key need not be entered again."""
        self.fields["secret_key"].widget.attrs["placeholder"] = _("Stored")

    def settings(self) -> BucketSettings:
        """Return the settings of a valid form. An empty secret key keeps the one that is known."""
        given = self.cleaned_data
        return BucketSettings(
            bucket=given["bucket"],
            folder=normal_folder(given["folder"]),
            pattern=given["pattern"],
            endpoint=normal_endpoint(given["endpoint"]),
            region=given["region"],
            is_path_style=given["style"] == _PATH_STYLE,
            access_key_id=given["access_key_id"],
            secret_key=given["secret_key"] or None,
            interval=timedelta(seconds=int(given["interval"])),
        )


def values_of(watched: WatchedPlace) -> dict[str, Any]:
    """Return the values of the form for a bucket, without the secret key."""
    names = ("bucket", "folder", "pattern", "endpoint", "region", "access_key_id")
    return {name: getattr(watched, name) for name in names} | {
        "style": _PATH_STYLE if watched.is_path_style else _HOST_STYLE,
        "interval": str(int(watched.interval.total_seconds())),
    }
