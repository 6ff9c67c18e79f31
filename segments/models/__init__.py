"""Define the tables of segments, refreshes, imports and erasures; profile.py those of data sources and attributes,
database_query.py and watched_place.py those of where rows come from, source_schedule.py those of when,
identity_rules.py those of how profiles are unified; attribute_change.py those of changes of attributes; pushed.py
that of profiles that programs push; segment_draft.py those of rules that are not saved."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, JobStatus, Schedule, Tick
from config.platform.tags.models import Tagged
from segments.models.attribute_change import AttributeChange, ChangeKind
from segments.models.database_query import DatabaseEncryption, DatabaseEngine, DatabaseQuery
from segments.models.identity_rules import (
    IdentityRules,
    NormalForm,
    RemovedSource,
    Unification,
    ValuePreference,
)
from segments.models.profile import AttributeType, DataSource, DeletedAttribute, ImportMode, ProfileAttribute
from segments.models.pushed import PushedBatch, PushSnapshot
from segments.models.segment_draft import SegmentDraft
from segments.models.source_schedule import SourceSchedule, SourceTick
from segments.models.watched_place import PlaceKind, WatchedFile, WatchedPlace

__all__ = [
    "AttributeChange",
    "AttributeType",
    "ChangeKind",
    "DataSource",
    "DatabaseEncryption",
    "DatabaseEngine",
    "DatabaseQuery",
    "DeletedAttribute",
    "ErasedHash",
    "Erasure",
    "IdentityRules",
    "ImportJob",
    "ImportMode",
    "ImportProblem",
    "MemberSet",
    "NormalForm",
    "PlaceKind",
    "ProfileAttribute",
    "PushSnapshot",
    "PushedBatch",
    "RemovedSource",
    "Segment",
    "SegmentDraft",
    "SegmentRefresh",
    "SegmentSchedule",
    "SegmentTick",
    "SourceSchedule",
    "SourceTick",
    "Unification",
    "ValuePreference",
    "WatchedFile",
    "WatchedPlace",
]


class Segment(Tagged):
    """Profiles that match rules; rules/tree.py describes the form of ``rules``."""

    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=500, blank=True)
    rules = models.JSONField(default=dict)
    # An inactive segment is not refreshed; a static one is refreshed once.
    is_active = models.BooleanField(default=True)
    is_static = models.BooleanField(default=False)
    # No export sends the members of this segment, nor other profiles with their addresses.
    is_exclusion = models.BooleanField(default=False)
    member_count = models.BigIntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True, blank=True)  # None before the first refresh
    # The members as of the last refresh, and those of the one before it.
    member_set = models.ForeignKey("MemberSet", null=True, on_delete=models.SET_NULL, related_name="+")
    previous_set = models.ForeignKey("MemberSet", null=True, on_delete=models.SET_NULL, related_name="+")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="segment_name_is_unique"),
            models.UniqueConstraint(
                fields=["is_exclusion"], condition=models.Q(is_exclusion=True), name="one_exclusion_segment"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MemberSet(models.Model):
    """The members that a refresh found. They are rows of the profile store under the ID of the set, and as many
    as ``size`` says; the set is not used before a segment names it."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="member_sets")
    size = models.BigIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.pk}"


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


# The path of an import whose rows are pushed batches.
PUSHED = "push://"


class ImportJob(Job):
    """The import of a file or of a database query into a data source. Progress counts bytes of the file."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="imports")
    # The name of the file, or of the database.
    file_name = models.CharField(max_length=255)
    # In a bucket it begins with s3:// and is for people only; empty: the rows are those of the database query.
    path = models.CharField(max_length=500)
    read_at = models.DateTimeField(null=True, blank=True)  # when the file was read to its end
    rows_read = models.BigIntegerField(default=0)
    rows_created = models.BigIntegerField(default=0)
    rows_updated = models.BigIntegerField(default=0)
    rows_unchanged = models.BigIntegerField(default=0)
    rows_refused = models.BigIntegerField(default=0)
    mode = models.CharField(max_length=10, choices=ImportMode.choices, default=ImportMode.UPSERT)
    profiles_removed = models.BigIntegerField(default=0)
    # While removals await confirmation: how many profiles of how many would leave, and the ImportGuard.
    to_remove = models.BigIntegerField(default=0)
    profiles_before = models.BigIntegerField(default=0)
    removal_guard = models.CharField(max_length=20, blank=True)
    # How many removals a user confirmed; None: the guard decides.
    confirmed_removals = models.BigIntegerField(null=True, blank=True)
    # How many values did not fit their type and are empty therefore, by column.
    misfits = models.JSONField(default=dict, blank=True)
    # The format of the file; empty when it is still to be detected.
    file_format = models.JSONField(default=dict, blank=True)
    # How the columns become attributes: first what users decided, then what the import used.
    column_plans = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"],
                condition=models.Q(status=JobStatus.PROCESSING),
                name="one_working_import_per_source",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN) | models.Q(finished_at__isnull=False),
                name="finished_import_has_finish_time",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_from_bucket(self) -> bool:
        """Return whether its file was in a watched bucket."""
        return self.path.startswith("s3://")

    @property
    def is_pushed(self) -> bool:
        """Return whether its rows were pushed by programs."""
        return self.path == PUSHED


class ImportProblem(models.Model):
    """A refused row of an import, with the column of the problem, if it is in one, and the reason."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="problems")
    line = models.BigIntegerField()
    column = models.TextField(blank=True, default="")
    reason = models.TextField()

    class Meta:
        ordering = ["line"]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"


class Erasure(models.Model):
    """An erasure of a person: time, user and counts. ``short_id`` is the start of a keyed hash."""

    short_id = models.CharField(max_length=12)
    erased_at = models.DateTimeField(default=clock.now)
    erased_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    erased_by_name = models.CharField(max_length=150)
    # The profiles that are still in the profile store; empty once they are deleted there.
    pending_ids = ArrayField(models.BigIntegerField(), default=list)
    # When the files of the profile store that contained the person were deleted.
    purged_at = models.DateTimeField(null=True)
    # Counts of what was deleted, such as {"profiles": 2}.
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"#{self.short_id}"


class ErasedHash(models.Model):
    """The keyed hash of an erased address, or of an erased key of a data source; imports refuse both."""

    hash = models.UUIDField(primary_key=True)
    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="hashes")

    def __str__(self) -> str:
        return str(self.hash)[:8]
