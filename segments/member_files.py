"""Write the members of segments into a Parquet file, as evidence of what an export has read."""

from collections.abc import Sequence
from pathlib import Path

from segments.models import DataSource, MemberSet, Segment
from segments.store import lake, members
from segments.store.engine import quoted
from segments.store.profiles import visible_profiles


def write_members(segment_ids: Sequence[int], path: Path, *, run_id: int) -> None:
    """Write the present members of these segments to a new file, each with the data source and key of the profile.
    Profiles that are being erased are left out. Raises MemberSetIncomplete."""
    segments = list(
        Segment.objects.filter(pk__in=segment_ids).exclude(member_set=None).select_related("member_set")
    )
    sets = {segment.member_set_id: segment for segment in segments if segment.member_set_id is not None}
    with lake.reading() as reader:
        sizes = MemberSet.objects.filter(pk__in=list(sets)).values_list("pk", "size")
        members.check_complete(reader, dict(sizes))
        reader.execute(
            "CREATE OR REPLACE TEMPORARY TABLE evidence_segment"
            " (set_id BIGINT, id BIGINT, name VARCHAR, refreshed_at TIMESTAMPTZ)"
        )
        for set_id, segment in sets.items():
            values = [set_id, segment.pk, segment.name, segment.refreshed_at]
            reader.execute("INSERT INTO evidence_segment VALUES (?, ?, ?, ?)", values)
        reader.execute("CREATE OR REPLACE TEMPORARY TABLE evidence_source (id BIGINT, name VARCHAR)")
        for source in DataSource.objects.all():
            reader.execute("INSERT INTO evidence_source VALUES (?, ?)", [source.pk, source.name])
        reader.execute(
            f"""
            COPY (SELECT {run_id:d}::BIGINT AS run_id, segment.id AS segment_id, segment.name AS segment,
                         segment.refreshed_at, profile.id AS profile_id, source.name AS source, profile.key
                    FROM ({members.members_of_each(list(sets))}) AS member
                    JOIN evidence_segment AS segment ON segment.set_id = member.set_id
                    JOIN {visible_profiles()} AS profile ON profile.id = member.profile_id
                    LEFT JOIN evidence_source AS source ON source.id = profile.source_id)
              TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)
            """  # noqa: S608 - only our own fragments are put in
        )
        reader.execute("DROP TABLE evidence_segment")
        reader.execute("DROP TABLE evidence_source")
