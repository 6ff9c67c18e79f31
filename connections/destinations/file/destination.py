"""Write CSV files to a folder: the File destination. Errors of the file system become errors of the
destination."""

import csv
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings as django_settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.text.csv_lines import without_formula
from connections.destinations.base import Destination, Sender
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError, TryLater
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
    SendGuard,
    SendSettings,
    TargetField,
    no_guard,
)

COLUMNS = "columns"
EMAIL = "email"
FOLDER_VARIABLE = "FILE_DESTINATION_DIR"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_PARTS = ".parts-of-run-"


class Folder:
    """The folder of the files: a subfolder for each list, with a file for each run."""

    def __init__(self, base_url: str, check_may_send: SendGuard = no_guard) -> None:
        """Open a folder by its ``file:`` address. Raises NeedsAdministrator for any other address.
        ``check_may_send`` is called before each file is written, and may raise."""
        self._check_may_send = check_may_send
        address = urlsplit(base_url)
        if address.scheme != "file" or not address.path.startswith("/"):
            raise NeedsAdministrator(_("No folder for files is configured."), code="folder")
        self.path = Path(url2pathname(address.path))

    def check(self) -> None:
        """Check that the folder is writable. Raises NeedsAdministrator and TryLater."""
        with _as_errors():
            _make(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass

    def names(self) -> list[str]:
        """Return the names of the lists."""
        with _as_errors():
            _make(self.path)
            return sorted(entry.name for entry in self.path.iterdir() if entry.is_dir() and NAME.match(entry.name))

    def write_part(self, name: str, run: str, lines: Sequence[str]) -> bool:
        """Write a batch of a run as a part, which replaces the same batch. Returns True if it was not there
        before."""
        text = "".join(f"{line}\n" for line in lines)
        with _as_errors():
            parts = self._parts(name, run)
            _make(parts)
            part = parts / f"{hashlib.sha256(text.encode()).hexdigest()}.csv"
            is_new = not part.exists()
            _write(part, text, self._check_may_send)
            return is_new

    def publish(self, name: str, run: str, header: Sequence[str]) -> None:
        """Combine the parts of a run into its file; nothing when there are none."""
        with _as_errors():
            parts = self._parts(name, run)
            if not parts.is_dir():
                return
            file = self._file(name, run)
            rows = {tuple(row) for part in parts.glob("*.csv") for row in _rows(part)}
            if file.exists():  # published before: a batch came again after that
                rows |= {tuple(row) for row in _rows(file)} - {tuple(header)}
            text = "".join(f"{line(row)}\n" for row in [tuple(header), *sorted(rows)])
            _write(file, text, self._check_may_send)
            self._check_may_send()  # another worker may be adding parts by now
            shutil.rmtree(parts)

    def _parts(self, name: str, run: str) -> Path:
        return self._checked(name) / f"{_PARTS}{int(run or 0)}"

    def _file(self, name: str, run: str) -> Path:
        return self._checked(name) / _file_name(name, run)

    def _checked(self, name: str) -> Path:
        if not NAME.match(name):
            raise PermanentError(
                _("Use lowercase letters, digits, hyphens and underscores in the file name."), code="file_name"
            )
        return self.path / name


class File(Destination):
    """The File destination: a folder from which other programs read CSV files."""

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

    @property
    def list_advice(self) -> str:
        return _("Select an existing file name, or enter a new one.")

    @property
    def matching_words(self) -> str:
        return _("Each contact in the file is identified by email.")

    @property
    def what_stays(self) -> str:
        return _("Files already written stay in the folder.")

    def file_of_run(self, list_id: str, run: str) -> str:
        return f"{list_id}/{_file_name(list_id, run)}"

    def credential_fields(self) -> Sequence[InputField]:
        return [
            InputField(
                name=COLUMNS,
                label=_("Columns"),
                help_text=_(
                    "The columns in addition to the email, separated by commas, such as first_name, city."
                ),
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

    def sent_values(self, payload: str, settings: SendSettings) -> Mapping[str, str]:
        _email, *texts = next(csv.reader([payload]))
        return {pair.field_key: text for pair, text in zip(settings.mapping, texts, strict=True)}

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


def _file_name(name: str, run: str) -> str:
    return f"{name}-run-{int(run or 0)}.csv"


def _folder(access: Access) -> Folder:
    return Folder(access.base_url, access.check_may_send)


def _columns(access: Access) -> list[str]:
    return [name.strip() for name in access.options.get(COLUMNS, "").split(",") if name.strip()]


def _wrong_columns(access: Access) -> str:
    """Say what is wrong with the column names; empty when nothing is."""
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


@contextmanager
def _as_errors() -> Iterator[None]:
    """Raise errors of the file system as errors of the destination."""
    try:
        yield
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        sentence = _("The folder for files is not writable: {why}.").format(why=error.strerror)
        raise NeedsAdministrator(sentence, code="folder") from error
    except OSError as error:
        sentence = _("The file could not be written: {why}.").format(why=error.strerror)
        raise TryLater(sentence, code="writing") from error


def line(cells: Sequence[str]) -> str:
    """Write a row as a CSV line without its end; cells cannot start a spreadsheet formula."""
    cells = [without_formula(cell, keeps_numbers=True) for cell in cells]
    quoted = ('"' + cell.replace('"', '""') + '"' if re.search(r'[",\r\n]', cell) else cell for cell in cells)
    return ",".join(quoted)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _make(path: Path) -> None:
    """Create the folder and its missing parents, readable by this user only."""
    for missing in [*reversed([above for above in path.parents if not above.exists()]), path]:
        missing.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, text: str, check_may_send: SendGuard) -> None:
    """Write a file atomically; nothing when ``check_may_send`` raises."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check_may_send()
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


DESTINATION = File()
