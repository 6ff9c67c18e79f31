"""Apply migrations, as the owner of the tables where DATABASE_OWNER_URL names one, and then grant the role of the
application what it needs."""

from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands import migrate

from config.platform import database_role


class Command(migrate.Command):
    """Extend Django's command."""

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """Check no database as the role of the application: it may not exist yet, or be refused."""
        kwargs: Any = super().get_check_kwargs(options)
        return kwargs | {"databases": None} if settings.DATABASE_OWNER else kwargs

    def handle(self, *args: Any, **options: Any) -> None:
        """Run Django's command, as the owner where there is one. Raises CommandError for an unsafe role."""
        if not settings.DATABASE_OWNER:
            super().handle(*args, **options)
            return
        with database_role.owner(settings.DATABASE_OWNER) as application:
            role = str(application["USER"])
            try:
                database_role.create(role, str(application["PASSWORD"]))
            except database_role.UnsafeRole as error:
                raise CommandError(str(error)) from None
            super().handle(*args, **options)
            database_role.grant(role)
