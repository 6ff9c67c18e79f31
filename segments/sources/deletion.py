"""Remove a data source with its profiles, their memberships, and its imports."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from config.platform import db
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs.models import OPEN
from segments import alerts, permissions
from segments.models import DataSource, ImportJob, Profile, Segment


class ImportInProgress(Exception):
    """The data source cannot be removed because an import is open."""

    def __init__(self, job: ImportJob) -> None:
        super().__init__(
            _("“{file}” is being imported into it. Wait until that has ended, or cancel it first.").format(
                file=job.file_name
            )
        )
        self.job = job


@dataclass(frozen=True)
class Loss:
    """The members that a segment loses and keeps."""

    segment: Segment
    lost: int

    @property
    def remaining(self) -> int:
        return max(0, self.segment.member_count - self.lost)


def losses(source: DataSource) -> list[Loss]:
    """Return the segments that lose members with the data source, by name."""
    of_it = Profile.objects.filter(source=source).order_by()
    lost = dict(of_it.values_list("memberships__segment").annotate(Count("pk")))
    segments = Segment.objects.filter(pk__in=lost.keys() - {None}).order_by(Lower("name"))
    return [Loss(segment, lost[segment.pk]) for segment in segments]


def open_import(source: DataSource) -> ImportJob | None:
    """Return the open import of a data source, or None."""
    return source.imports.filter(status__in=OPEN).order_by("pk").first()


def remove_data_source(source: DataSource, *, by: User) -> int:
    """Remove a data source with its profiles. Returns the number of profiles. Raises ImportInProgress."""
    permissions.check_can_manage_data_sources(by)
    _check_idle(source)  # before the lock as well, which an import holds until its end
    gone = _remove(source.pk, by)
    db.analyze_after_change("segments_profile", gone)
    db.analyze_after_change("segments_member", gone)
    return gone


@transaction.atomic
def _remove(source_id: int, by: User) -> int:
    source = DataSource.objects.select_for_update().filter(pk=source_id).first()
    if source is None:  # another user has just removed it
        return 0
    _check_idle(source)
    segments, people = _delete_profiles(source_id)
    changes: dict[str, tuple[object, object]] = {"customers": (people, 0), "segments": (segments or None, None)}
    record("removed", source, by=by, changes=changes)
    alerts.forget_source(source)
    source.imports.all().delete()
    source.delete()
    return people


def _check_idle(source: DataSource) -> None:
    if job := open_import(source):
        raise ImportInProgress(job)


def _delete_profiles(source_id: int) -> tuple[list[str], int]:
    """Delete the profiles and their memberships. Returns the names of the segments that shrank, and the number
    of profiles."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (DELETE FROM segments_member member USING segments_profile profile
                           WHERE profile.source_id = %s AND member.profile_id = profile.id
                       RETURNING member.segment_id),
                 counted AS (SELECT segment_id, count(*) AS people FROM gone GROUP BY segment_id)
            UPDATE segments_segment segment SET member_count = greatest(0, member_count - people)
              FROM counted WHERE counted.segment_id = segment.id
            RETURNING segment.name
            """,
            [source_id],
        )
        names = sorted(name for (name,) in cursor.fetchall())
        cursor.execute("DELETE FROM segments_profile WHERE source_id = %s", [source_id])
        return names, cursor.rowcount
