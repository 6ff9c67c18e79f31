"""Set up the database query of a data source, and import its rows. Each action writes the audit record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.encryption.fields import Sealed
from config.platform.jobs.enqueue import enqueue_on_commit
from segments import permissions
from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery, DataSource, ImportJob, ImportMode
from segments.sources import held_imports
from segments.sources.column_plan import ColumnPlan, plans_to_list
from segments.sources.data_source import ensure_data_source
from segments.sources.databases.fetch import PASSWORD, FirstRows, QueryFailed, first_rows
from segments.sources.import_plan import key_positions

# The fields of a query whose changes the audit record has.
_RECORDED: Final = ("engine", "host", "port", "database", "warehouse", "user", "encryption", "query")


# The fields that say who gets the password, and on which way.
_GETS_PASSWORD: Final = ("engine", "host", "port", "user", "encryption")


@dataclass(frozen=True)
class QuerySettings:
    """What a user enters of a database and a query. ``password`` may be a reference to a secret; None keeps the
    stored one."""

    engine: DatabaseEngine
    database: str
    query: str
    host: str = ""
    port: int | None = None
    user: str = ""
    encryption: DatabaseEncryption = DatabaseEncryption.VERIFY
    warehouse: str = ""
    password: str | None = None

    def __repr__(self) -> str:
        return "<query settings>"


def try_query(settings: QuerySettings, *, source: DataSource | None = None, by: User | None) -> FirstRows:
    """Connect with the settings and return the first rows; nothing is stored. The password of ``source`` counts
    where none is entered. Raises QueryFailed."""
    permissions.check_can_manage_databases(by)
    return first_rows(_entered(settings, source))


def import_query(
    settings: QuerySettings,
    *,
    source_name: str,
    key_column: str,
    names: Sequence[str],
    by: User | None,
    further_key_columns: Sequence[str] = (),
    plans: Sequence[ColumnPlan] = (),
    mode: ImportMode | None = None,
    edited: DataSource | None = None,
    wake_worker: bool = True,
) -> ImportJob:
    """Store a database query with its data source, which is created if it is new, and queue the import of its
    rows. ``names`` are those of the columns that ``try_query`` found. Columns without one of the ``plans`` get the
    plan of the data source, or one by the type of the database. The source that is ``edited`` gets the name.
    Raises FileRefused without a key column, KeyColumnDiffers when the source has others, and NameTaken."""
    permissions.check_can_manage_databases(by)
    keys = [names[at] for at in key_positions(names, [key_column, *further_key_columns])]
    with transaction.atomic():
        source = ensure_data_source(source_name, keys, mode=mode, by=by, edited=edited)
        query = _entered(settings, source)
        _store(query, source, by)
        job = ImportJob.objects.create(
            source=source,
            file_name=str(query)[:255],
            path="",
            mode=source.mode,
            requested_by=by,
            column_plans=plans_to_list(plans),
        )
        held_imports.cancel_replaced(job)
        record("import requested", source, by=by, changes={"database": (None, str(query))})
        if wake_worker:
            enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


def stored_password(settings: QuerySettings, source: DataSource) -> str | None:
    """Return the stored password of a data source, or the reference to it, if the settings have the same server
    and user; None without one. Raises QueryFailed for another server: it would be shown the password."""
    before = source.database_query if source.has_query else None
    if before is None or before.credentials is None:
        return None
    _check_same_server(before, settings)
    return _secrets(before).get(PASSWORD)


def entered_password(settings: QuerySettings, before: QuerySettings) -> str | None:
    """Return the password that was entered or stored ``before``, if the settings have the same server and user;
    None without one. Raises QueryFailed for another server: it would be shown the password."""
    if before.password is not None:
        _check_same_server(_query(before, None), settings)
    return before.password


def _check_same_server(before: DatabaseQuery, settings: QuerySettings) -> None:
    entered = _query(settings, None)
    if any(getattr(before, name) != getattr(entered, name) for name in _GETS_PASSWORD):
        raise QueryFailed(_("Enter the password again, because the server or the user changed."), "password")


def _entered(settings: QuerySettings, source: DataSource | None) -> DatabaseQuery:
    """Return the query that a user entered, not stored yet. Raises QueryFailed."""
    if settings.password is None and source is not None and not settings.engine.is_file:
        settings = replace(settings, password=stored_password(settings, source))
    return _query(settings, source)


def _query(settings: QuerySettings, source: DataSource | None) -> DatabaseQuery:
    before = source.database_query if source is not None and source.has_query else None
    is_file, is_hosted = settings.engine.is_file, settings.engine.is_hosted
    query = DatabaseQuery(
        pk=before.pk if before is not None else None,
        source=source,
        engine=settings.engine,
        host="" if is_file else settings.host.strip(),
        port=None if is_file or is_hosted else settings.port,
        database=settings.database.strip(),
        user="" if is_file else settings.user.strip(),
        warehouse=settings.warehouse.strip() if is_hosted else "",
        encryption=DatabaseEncryption.VERIFY if is_hosted else settings.encryption,
        query=settings.query.strip(),
    )
    if settings.password and not is_file:
        query.credentials = Sealed.of({PASSWORD: settings.password})
    return query


def _store(query: DatabaseQuery, source: DataSource, by: User | None) -> None:
    """Store the query of a data source, and record what changed, but no password."""
    before = DatabaseQuery.objects.filter(source=source).first()
    changes: dict[str, tuple[object, object]] = {}
    for field in _RECORDED:
        old, new = getattr(before, field, None) or None, getattr(query, field) or None
        if old != new:
            changes[field] = (old, new)
    if _secrets(before) != _secrets(query):
        changes["password"] = (None, _("changed"))
    query.save()
    if source.path:
        source.path = ""
        source.save(update_fields=["path"])
    if changes:
        record("edited", source, by=by, changes=changes)


def _secrets(query: DatabaseQuery | None) -> dict[str, str]:
    stored: Sealed | None = query.credentials if query is not None else None
    return stored.open() if stored is not None else {}
