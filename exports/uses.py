"""Which exports use a connection or a segment: what the lower apps' pages show."""

from collections.abc import Collection

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from connections import used_by as uses_of_connections
from exports.models import Export
from segments import used_by as uses_of_segments
from segments.models import Segment


def of_connection(connection_id: int) -> list[uses_of_connections.Use]:
    """The exports on a connection."""
    exports = Export.objects.filter(connection_id=connection_id)
    return [uses_of_connections.Use(_("Export"), name, url) for name, url in _named(exports)]


def of_segment(segment_id: int) -> list[uses_of_segments.Use]:
    """The exports that send a segment."""
    exports = Export.objects.filter(segments=segment_id)
    return [uses_of_segments.Use(_("Export"), name, url) for name, url in _named(exports)]


def counts_of_segments(segment_ids: Collection[int]) -> dict[int, int]:
    """How many exports send each of the segments, asked at once for a whole list."""
    found = Segment.objects.filter(pk__in=segment_ids, exports__isnull=False).annotate(count=Count("exports"))
    return dict(found.values_list("pk", "count"))


def counts_of_connections(connection_ids: Collection[int]) -> dict[int, int]:
    """How many exports are on each of the connections, asked at once for a whole list."""
    found = Export.objects.filter(connection__in=connection_ids).values("connection").annotate(count=Count("pk"))
    return dict(found.values_list("connection", "count"))


def _named(exports: QuerySet[Export]) -> list[tuple[str, str]]:
    rows = exports.order_by("name").values_list("pk", "name")
    return [(name, reverse("exports:edit", args=[pk])) for pk, name in rows]
