"""``manage.py backup FILE [--with-keys]``: writes the database, the profile store, and perhaps the keys into one
file, while the system runs.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError
from config.console.backup.create import create
from config.console.backup.sealed_keys import ask_passphrase
from config.standalone.database import running_database
from config.standalone.folders import CannotStart


class Command(BaseCommand):
    help = _("Write the database and the profile store into a file, and with --with-keys the encryption keys.")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=_("the file to write; it must not exist"))
        parser.add_argument(
            "--with-keys",
            action="store_true",
            help=_("add the keys, encrypted with a passphrase: BACKUP_PASSPHRASE, or typed in the terminal"),
        )

    def handle(self, *, file: Path, with_keys: bool, **options: Any) -> None:
        try:
            passphrase = ask_passphrase(is_new=True) if with_keys else ""
            with running_database():
                manifest = create(file, passphrase=passphrase)
        except (BackupError, CannotStart) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            facts = {"path": error.filename or file, "reason": error.strerror}
            raise CommandError(_("%(path)s: %(reason)s.") % facts) from error
        size = filesizeformat(file.stat().st_size)
        facts = {"path": file, "size": size, "count": len(manifest.members)}
        if with_keys:
            said = _("Wrote %(path)s (%(size)s, %(count)d files). Keep the passphrase elsewhere.")
        else:
            said = _("Wrote %(path)s (%(size)s, %(count)d files). Keep ENCRYPTION_KEYS and SECRET_KEY elsewhere.")
        self.stdout.write(said % facts)
