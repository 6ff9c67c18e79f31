"""``manage.py backup FILE``: writes the database and the profile store into one file, while the system runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError
from config.console.backup.create import create
from config.standalone.database import running_database
from config.standalone.folders import CannotStart


class Command(BaseCommand):
    help = _("Write the database and the profile store into a file. The encryption keys are not part of it.")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=_("the file to write; it must not exist"))

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            with running_database():
                manifest = create(file)
        except (BackupError, CannotStart) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            facts = {"path": error.filename or file, "reason": error.strerror}
            raise CommandError(_("%(path)s: %(reason)s.") % facts) from error
        size = filesizeformat(file.stat().st_size)
        self.stdout.write(
            _("Wrote %(path)s (%(size)s, %(count)d files). Keep ENCRYPTION_KEYS and SECRET_KEY elsewhere.")
            % {"path": file, "size": size, "count": len(manifest.members)}
        )
