"""``manage.py rotate_encryption_key [--make-key]``: puts every stored secret under the first of ENCRYPTION_KEYS.

May run while the system runs. Exit codes: 0 all is under the first key, 1 something could not be read.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.platform.encryption import keyring, rotation
from config.standalone import folders


class Command(BaseCommand):
    help = "Encrypt every stored secret again, under the first key of ENCRYPTION_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--make-key",
            action="store_true",
            help="make a new key first and put it in front, in the file that holds the keys",
        )

    def handle(self, *, make_key: bool, **_: Any) -> None:
        if make_key:
            self._make_key()
        done = rotation.rotate()
        for key_id, count in sorted(done.converted.items()):
            self.stdout.write(f"{count} secrets were under “{key_id}” and are under “{done.key_id}” now.")
        self.stdout.write(f"{done.already} were under “{done.key_id}” before.")
        if done.unreadable:
            lines = "\n".join(done.unreadable)
            raise CommandError(f"These could not be read and stay as they are:\n{lines}")
        older = [key_id for key_id in keyring.key_ids() if key_id != done.key_id]
        if older:
            named = ", ".join(f"“{key_id}”" for key_id in older)
            self.stdout.write(f"Nothing stored needs {named} any more; backups from before today do.")

    def _make_key(self) -> None:
        path = settings.ENCRYPTION_KEYS_FILE
        if path is None:
            raise CommandError(
                "The keys come from the environment, where no command can put one. Put a new key behind the "
                "others in ENCRYPTION_KEYS and restart every program; then put it in front, restart again, run "
                "this command without --make-key."
            )
        try:
            key_id = folders.put_new_key_first(path)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"Made the key “{key_id}”, first in {path}. Running programs read it by themselves.")
