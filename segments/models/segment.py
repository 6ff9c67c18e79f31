"""Segments, their members, refreshes and refresh schedules."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, Schedule, Tick
from segments.models.profile import Profile


class Segment(models.Model):
    """Profiles that match rules; rules/tree.py describes the form of ``rules``."""

    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=500, blank=True)
    rules = models.JSONField(default=dict)
    tags = models.JSONField(default=list, blank=True)  # in the order that the user chose
    # An inactive segment is not refreshed; a static one is refreshed once.
    is_active = models.BooleanField(default=True)
    is_static = models.BooleanField(default=False)
    member_count = models.BigIntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True, blank=True)  # None before the first refresh
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="segment_name_is_unique")]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A profile as a member of a segment. Only refresh/evaluate.py writes members, all of a refresh in one
    transaction."""

    pk = models.CompositePrimaryKey("segment", "profile")
    # No foreign keys in the database: they lock a row of each table for every member, which doubles the time of a
    # refresh. A refresh locks its segment instead; a member whose profile is erased meanwhile matches no join and
    # is removed by the next refresh. The primary key serves as the index of segments.
    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, related_name="members", db_constraint=False, db_index=False
    )
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="memberships", db_constraint=False)

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.profile_id}"


class SegmentRefresh(Job):
    """A job that evaluates the rules of a segment."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="refreshes")
    added = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["segment"], condition=models.Q(status__in=OPEN), name="one_open_refresh_per_segment"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN) | models.Q(finished_at__isnull=False),
                name="finished_refresh_has_finish_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.segment}"


class SegmentSchedule(Schedule):
    """The refresh schedule of a segment."""

    segment = models.OneToOneField(Segment, on_delete=models.CASCADE, related_name="schedule")

    def __str__(self) -> str:
        return self.segment.name


class SegmentTick(Tick):
    """A due moment of a segment and the refresh that it started. The database allows one for each moment."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="ticks")
    refresh = models.ForeignKey(SegmentRefresh, null=True, on_delete=models.SET_NULL, related_name="ticks")

    class Meta(Tick.Meta):
        constraints = [
            models.UniqueConstraint(fields=["segment", "due_at"], name="one_tick_per_segment_and_moment")
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.due_at:%Y-%m-%d %H:%M}"
