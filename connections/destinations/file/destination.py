"""CSV files in a folder, as the product sees them."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.destinations.base import Destination, Sender
from connections.destinations.errors import DestinationError, PermanentError
from connections.destinations.file.folder import NAME, Folder, line
from connections.destinations.values import (
    Access,
    BatchReceipt,
    Capabilities,
    CheckStep,
    InputField,
    ListDetails,
    ListOptIn,
    ListSummary,
    Preparer,
    Question,
    SendSettings,
    TargetField,
)

COLUMNS = "columns"
EMAIL = "email"
FOLDER_VARIABLE = "FILE_DESTINATION_DIR"


class File(Destination):
    """A folder that other programs pick CSV files up from."""

    key = "file"
    label = gettext_lazy("File")
    description = gettext_lazy(
        "Write a CSV file to a folder for each run: all contacts first, then only new and changed contacts."
    )
    keeps_of_removed = gettext_lazy(
        "Files from earlier runs still contain the person, also in copies. Delete the files."
    )
    icon = "img/file.svg"
    capabilities = Capabilities(batch_rows=5000, batch_bytes=8 * 1024 * 1024, publishes=True)

    @property
    def live_url(self) -> str:
        given = os.environ.get(FOLDER_VARIABLE, "")
        return Path(given or django_settings.VAR_DIR / "exports").absolute().as_uri()

    @property
    def sandbox_url(self) -> str:
        return ""

    @property
    def authenticate_label(self) -> str:
        return _("Check the folder")

    @property
    def list_id_label(self) -> str:
        return _("File name")

    @property
    def list_id_help(self) -> str:
        return _(
            "For example “newsletter”. Use lowercase letters, digits, hyphens and underscores. The "
            "list is created if it does not exist."
        )

    def credential_fields(self) -> Sequence[InputField]:
        return [
            InputField(
                name=COLUMNS,
                label=_("Columns"),
                help_text=_("The columns beside the email, separated by commas, for example: first_name, city."),
            )
        ]

    def questions(self) -> Sequence[Question]:
        return []

    def check(self, access: Access) -> Sequence[CheckStep]:
        reached, named = _("The folder is writable"), _("The columns are valid")
        try:
            folder = _folder(access)
            folder.check()
        except DestinationError as error:
            return [
                CheckStep("folder", reached, ok=False, detail=error.sentence),
                CheckStep("columns", named, ok=None),
            ]
        wrong = _wrong_columns(access)
        learned = {} if wrong else {"account_name": folder.path.name}
        return [
            CheckStep("folder", reached, ok=True, detail=str(folder.path)),
            CheckStep("columns", named, ok=not wrong, detail=wrong, learned=learned),
        ]

    def lists(self, access: Access) -> Sequence[ListSummary]:
        return [ListSummary(list_id=name, title=name) for name in _folder(access).names()]

    def list_details(
        self,
        access: Access,
        list_id: str,
        *,
        with_group: bool = True,
        with_clock: bool = False,
        group_id: str = "",
    ) -> ListDetails:
        if not NAME.match(list_id):
            sentence = _("Use lowercase letters, digits, hyphens and underscores in the file name.")
            raise PermanentError(sentence, code="file_name")
        return ListDetails(
            list_id=list_id,
            title=list_id,
            group="",
            group_id="",
            opt_in=ListOptIn.SINGLE,
            unsubscribe_scope=None,
            active_people=None,
            fields=[TargetField(key=name, label=name, data_type="text") for name in _columns(access)],
        )

    def preparer(self, settings: SendSettings) -> Preparer:
        def prepare(email: str, values: Sequence[Any]) -> str:
            return line([email, *map(_text, values)])

        return prepare

    @contextmanager
    def open_sender(self, access: Access) -> Iterator[Sender]:
        yield PartSender(_folder(access))

    def publish(self, access: Access, settings: SendSettings) -> None:
        header = [EMAIL, *(pair.field_key for pair in settings.mapping)]
        _folder(access).publish(settings.list_id, settings.run, header)


class PartSender(Sender):
    """Writes batches as parts of the run's file."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def send(self, payloads: Sequence[str], settings: SendSettings) -> BatchReceipt:
        started = time.monotonic()
        is_new = self._folder.write_part(settings.list_id, settings.run, payloads)
        return BatchReceipt(
            new=len(payloads) if is_new else 0,
            existing=0 if is_new else len(payloads),
            refusals=[],
            http_status=None,
            seconds=time.monotonic() - started,
            bytes_sent=sum(len(payload.encode()) + 1 for payload in payloads),
        )


def _folder(access: Access) -> Folder:
    return Folder(access.base_url, access.check_may_send)


def _columns(access: Access) -> list[str]:
    return [name.strip() for name in access.options.get(COLUMNS, "").split(",") if name.strip()]


def _wrong_columns(access: Access) -> str:
    """What is wrong with the names of the columns; empty when nothing is."""
    names = [name.casefold() for name in _columns(access)]
    if not names:
        return _("Enter at least one column.")
    if EMAIL in names or len(set(names)) < len(names):
        return _("Each column needs a unique name. “email” is always included.")
    return ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


DESTINATION = File()
