"""Let a data source watch a folder or a bucket, and stop it. Each action writes the audit record."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.encryption.fields import Sealed
from config.platform.jobs.models import OPEN, JobStatus
from segments import alerts, permissions
from segments.models import DataSource, ImportJob, ImportMode, PlaceKind, WatchedPlace
from segments.models.watched_place import FOLDER_INTERVAL
from segments.sources.actions import cancel_import
from segments.sources.buckets.errors import BucketFailed
from segments.sources.data_source import ensure_data_source
from segments.sources.watched_places.bucket import SECRET_KEY, BucketPlace
from segments.sources.watched_places.bucket_settings import BucketSettings
from segments.sources.watched_places.folder import FolderPlace
from segments.sources.watched_places.place import SeenFile

# The fields of a bucket whose changes the audit record has, beside the address of its files.
_RECORDED: Final = ("endpoint", "region", "is_path_style", "access_key_id", "interval")
_IMPORTED: Final = (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)


@transaction.atomic
def watch_folder(
    *,
    source_name: str,
    key_columns: Sequence[str],
    folder: str,
    pattern: str,
    by: User | None,
    mode: ImportMode | None = None,
    edited: DataSource | None = None,
) -> WatchedPlace:
    """Let a data source, which is created if it is new, import the files that arrive in a folder. The source that
    is ``edited`` gets the name. Raises PlaceRefused, KeyColumnDiffers and NameTaken."""
    permissions.check_can_manage_databases(by)
    folder, pattern = folder.strip(), pattern.strip()
    FolderPlace(folder).find_files(pattern)
    source = ensure_data_source(source_name, key_columns, mode=mode, by=by, edited=edited)
    watched = WatchedPlace(source=source, folder=folder, pattern=pattern, interval=FOLDER_INTERVAL)
    return _store(watched, by=by)


def try_bucket(settings: BucketSettings, *, source: DataSource | None = None, by: User | None) -> list[SeenFile]:
    """Connect with the settings, read the first byte of the first file that fits, and return the files that do;
    nothing is stored. The secret key of ``source`` counts where none is entered. Raises PlaceRefused."""
    permissions.check_can_manage_databases(by)
    return BucketPlace(_entered(settings, source)).test(settings.pattern)


def watch_bucket(
    settings: BucketSettings,
    *,
    source_name: str,
    key_columns: Sequence[str],
    by: User | None,
    mode: ImportMode | None = None,
    edited: DataSource | None = None,
) -> WatchedPlace:
    """Let a data source, which is created if it is new, import the files that arrive in a bucket. The source that
    is ``edited`` gets the name. Raises PlaceRefused, KeyColumnDiffers and NameTaken."""
    known = edited or DataSource.objects.filter(name__iexact=source_name).first()
    try_bucket(settings, source=known, by=by)  # outside of the transaction, since it may take long
    with transaction.atomic():
        source = ensure_data_source(source_name, key_columns, mode=mode, by=by, edited=edited)
        watched = _entered(settings, source)
        watched.source = source
        return _store(watched, by=by)


@transaction.atomic
def stop_watching(source: DataSource, *, by: User | None) -> None:
    """Stop watching the folder or bucket of a data source, and cancel the open and held imports of its files,
    which could not be checked any more; what was imported stays."""
    permissions.check_can_manage_databases(by)
    watched = WatchedPlace.objects.select_for_update().filter(source=source).first()
    if watched is not None:
        unfinished = ImportJob.objects.filter(status__in=[*OPEN, JobStatus.NEEDS_CONFIRMATION])
        for job in unfinished.filter(watched_file__place=watched):
            cancel_import(job, by=by)
        record("edited", source, by=by, changes={_recorded_as(watched): (str(watched), None)})
        if watched.problem:
            alerts.close_place_unreadable(source)
        watched.delete()


def stored_secret(settings: BucketSettings, source: DataSource) -> str | None:
    """Return the stored secret key of a data source, or the reference to it, if the settings have the same server
    and access key; None without one. Raises BucketFailed for another server: requests to it would be signed."""
    before = source.watched_place if source.is_watching else None
    if before is None or not before.is_bucket or before.credentials is None:
        return None
    if (before.endpoint, before.access_key_id) != (settings.endpoint, settings.access_key_id):
        raise another_server()
    return _secret(before)


def another_server() -> BucketFailed:
    """Return the refusal to use a secret key for a server that it was not entered for."""
    return BucketFailed(
        _("Enter the secret key again, because the endpoint or the access key ID changed."), SECRET_KEY
    )


def _entered(settings: BucketSettings, source: DataSource | None) -> WatchedPlace:
    """Return the bucket that a user entered, not stored yet. Raises BucketFailed."""
    secret = settings.secret_key
    if secret is None and source is not None and settings.access_key_id:
        secret = stored_secret(settings, source)
    if settings.access_key_id and not secret:
        raise BucketFailed(_("Enter the secret key of the access key ID."), SECRET_KEY)
    watched = WatchedPlace(
        kind=PlaceKind.BUCKET,
        folder=settings.folder,
        pattern=settings.pattern,
        bucket=settings.bucket,
        endpoint=settings.endpoint,
        region=settings.region,
        is_path_style=settings.is_path_style,
        access_key_id=settings.access_key_id,
        interval=settings.interval,
    )
    if settings.access_key_id and secret:
        watched.credentials = Sealed.of({SECRET_KEY: secret})
    return watched


def _store(watched: WatchedPlace, *, by: User | None) -> WatchedPlace:
    """Store what a data source watches in place of what it watched before, let it be scanned with the next tick,
    and record what changed, but no secret."""
    source = watched.source
    before = WatchedPlace.objects.select_for_update().filter(source=source).first()
    watched.pk = before.pk if before is not None else None
    watched.save()
    _retry_failed(watched)
    if changes := _changes(before, watched):
        record("edited", source, by=by, changes=changes)
    return watched


def _changes(before: WatchedPlace | None, watched: WatchedPlace) -> dict[str, tuple[object, object]]:
    changes: dict[str, tuple[object, object]] = {}
    if before is not None and before.kind != watched.kind:
        changes[_recorded_as(before)] = (str(before), None)
        before = None
    if before is None or str(before) != str(watched):
        changes[_recorded_as(watched)] = (str(before) if before else None, str(watched))
    if watched.is_bucket:
        for field in _RECORDED:
            old, new = _shown(before, field), _shown(watched, field)
            if old != new:
                changes[field] = (old, new)
        if _secret(before) != _secret(watched):
            changes[SECRET_KEY] = (None, _("changed"))
    return changes


def _shown(watched: WatchedPlace | None, field: str) -> object:
    value: Any = getattr(watched, field, None)
    return str(value) if field == "interval" and value is not None else value if value != "" else None


def _secret(watched: WatchedPlace | None) -> str | None:
    stored: Sealed | None = watched.credentials if watched is not None else None
    return stored.open().get(SECRET_KEY) if stored is not None else None


def _retry_failed(watched: WatchedPlace) -> None:
    """Let the files be taken again whose import failed after the last that succeeded: what was wrong may be right
    now. Earlier ones would put old values in place of new ones."""
    last = watched.files.filter(job__status__in=_IMPORTED).aggregate(last=Max("job"))["last"] or 0
    failed = watched.files.filter(job__status=JobStatus.FAILED, job__gt=last)
    failed.update(is_taken=False, retry_at=None)


def _recorded_as(watched: WatchedPlace) -> str:
    return "watched_bucket" if watched.is_bucket else "watched_folder"
