"""``manage.py rotate_encryption_key [--make-key]``: puts every stored secret under the first of ENCRYPTION_KEYS.

May run while the system runs. Exit codes: 0 all is under the first key, 1 something could not be read.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.encryption import keyring, rotation
from config.standalone import folders


class Command(BaseCommand):
    help = _("Encrypt all stored secrets again with the first key of ENCRYPTION_KEYS.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--make-key",
            action="store_true",
            help=_("first create a key and add it as the first one to the file with the keys"),
        )

    def handle(self, *, make_key: bool, **options: Any) -> None:
        if make_key:
            self._make_key()
        done = rotation.rotate()
        for key_id, count in sorted(done.converted.items()):
            self.stdout.write(_converted_text(count, before=key_id, after=done.key_id))
        self.stdout.write(_already_text(done.already, done.key_id))
        if done.unreadable:
            lines = "\n".join(done.unreadable)
            raise CommandError(_("These secrets could not be read and were not changed:") + f"\n{lines}")
        older = [key_id for key_id in keyring.key_ids() if key_id != done.key_id]
        if older:
            named = ", ".join(f"“{key_id}”" for key_id in older)
            self.stdout.write(
                _("Stored data no longer needs %(keys)s. Backups from before today still do.") % {"keys": named}
            )

    def _make_key(self) -> None:
        path = settings.ENCRYPTION_KEYS_FILE
        if path is None:
            raise CommandError(
                _(
                    "The keys are set in the environment, so this command cannot add a key. Add a new key at the"
                    " end of ENCRYPTION_KEYS and restart all processes. Then move it to the front, restart again,"
                    " and run this command without --make-key."
                )
            )
        try:
            key_id = folders.put_new_key_first(path)
        except OSError as error:
            facts = {"path": path, "reason": error.strerror}
            raise CommandError(_("%(path)s cannot be written: %(reason)s.") % facts) from error
        self.stdout.write(
            _("Created the key “%(key)s” as the first one in %(path)s. Running processes load it automatically.")
            % {"key": key_id, "path": path}
        )


def _converted_text(count: int, *, before: str, after: str) -> str:
    """Return how many secrets were encrypted again, with the old and the new key."""
    sentence = ngettext(
        "%(count)d secret was encrypted again: key “%(before)s” before, “%(after)s” now.",
        "%(count)d secrets were encrypted again: key “%(before)s” before, “%(after)s” now.",
        count,
    )
    return sentence % {"count": count, "before": before, "after": after}


def _already_text(count: int, key_id: str) -> str:
    """Return how many secrets had the first key before."""
    sentence = ngettext(
        "%(count)d secret already used the key “%(key)s”.",
        "%(count)d secrets already used the key “%(key)s”.",
        count,
    )
    return sentence % {"count": count, "key": key_id}
