"""Segments, their members, and the jobs that draw them."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, Schedule, Tick
from segments.models.profile import Profile


class Segment(models.Model):
    """A group of profiles drawn by rules (see rules/tree.py for their shape)."""

    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=500, blank=True)
    rules = models.JSONField(default=dict)
    tags = models.JSONField(default=list, blank=True)  # words, in the order given
    # An inactive segment is not refreshed; a static one is drawn once and stays so.
    is_active = models.BooleanField(default=True)
    is_static = models.BooleanField(default=False)
    member_count = models.BigIntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True, blank=True)  # None: never drawn yet
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
    """A profile as a member of a segment. Only refresh/evaluate.py writes members, those of a refresh in one
    transaction."""

    pk = models.CompositePrimaryKey("segment", "profile")
    # No foreign keys in the database: it would lock a row of each side for every member, which doubles the time of
    # a refresh. A refresh locks its segment instead; who is erased while it is at work is no longer joined, and
    # goes with the next refresh. The primary key serves as the index of segments.
    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, related_name="members", db_constraint=False, db_index=False
    )
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="memberships", db_constraint=False)

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.profile_id}"


class SegmentRefresh(Job):
    """One drawing of a segment."""

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
    """When a segment is refreshed by itself."""

    segment = models.OneToOneField(Segment, on_delete=models.CASCADE, related_name="schedule")

    def __str__(self) -> str:
        return self.segment.name


class SegmentTick(Tick):
    """That a segment was due, and the refresh that came of it. Exactly one for each: the database sees to it."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="ticks")
    refresh = models.ForeignKey(SegmentRefresh, null=True, on_delete=models.SET_NULL, related_name="ticks")

    class Meta(Tick.Meta):
        constraints = [
            models.UniqueConstraint(fields=["segment", "due_at"], name="one_tick_per_segment_and_moment")
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.due_at:%Y-%m-%d %H:%M}"
