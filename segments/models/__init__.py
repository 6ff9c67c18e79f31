"""Tables of data sources, profiles with typed attributes, segments and their members, imports, refreshes,
erasures."""

from segments.models.erasure import ErasedHash, Erasure
from segments.models.import_job import ImportJob, ImportProblem
from segments.models.profile import AttributeType, DataSource, Profile, ProfileAttribute
from segments.models.segment import Member, Segment, SegmentRefresh, SegmentSchedule, SegmentTick

__all__ = [
    "AttributeType",
    "DataSource",
    "ErasedHash",
    "Erasure",
    "ImportJob",
    "ImportProblem",
    "Member",
    "Profile",
    "ProfileAttribute",
    "Segment",
    "SegmentRefresh",
    "SegmentSchedule",
    "SegmentTick",
]
