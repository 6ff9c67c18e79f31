"""``manage.py restore FILE``: restores a backup into an empty database and an empty profile store."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError
from config.console.backup.restore import restore
from config.platform.web.formats import exact
from config.standalone.database import running_database
from config.standalone.folders import CannotStart


class Command(BaseCommand):
    help = _("Restore a backup into an empty database and profile store, with all connections paused.")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help=_("the file that the command backup wrote"))

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
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
