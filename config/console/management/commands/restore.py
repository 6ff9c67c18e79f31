"""``manage.py restore FILE``: restores a backup into an empty database and an empty profile store; with
``--keys-to FILE`` it only writes the keys of the backup to a file of settings."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError
from config.console.backup.restore import restore
from config.console.backup.sealed_keys import ask_passphrase, write_keys
from config.platform.web.formats import exact
from config.standalone.database import running_database
from config.standalone.folders import CannotStart


class Command(BaseCommand):
    help = _("Restore a backup into an empty database and profile store, with all connections paused.")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=_("the file that the command backup wrote"))
        parser.add_argument(
            "--keys-to",
            type=Path,
            metavar="FILE",
            help=_("only write the keys in the backup to this file of settings, and restore nothing"),
        )

    def handle(self, *, file: Path, keys_to: Path | None, **options: Any) -> None:
        try:
            if keys_to is not None:
                write_keys(file, keys_to, ask_passphrase(is_new=False))
                self.stdout.write(_("Wrote SECRET_KEY and ENCRYPTION_KEYS to %(path)s.") % {"path": keys_to})
                return
            with running_database(alone=True):
                origin = restore(file)
        except (BackupError, CannotStart) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            facts = {"path": error.filename or file, "reason": error.strerror}
            raise CommandError(_("%(path)s: %(reason)s.") % facts) from error
        self.stdout.write(
            _(
                "Restored the system as of %(time)s. All connections are paused. Preview each export, resume its"
                " connection, then compare its list. Users, roles, API tokens and erasures are as of that time:"
                " repeat what was changed since."
            )
            % {"time": exact(origin.created_at)}
        )
