"""Reserve the IDs of profiles, which are never used again: runs of exports refer to them."""

from django.db import connection as database

SEQUENCE = "segments_profile_ids"


def reserve_ids(count: int) -> int:
    """Reserve ``count`` successive IDs and return the first. Call it under the writer's lock: two sessions at once
    could reserve the same."""
    with database.cursor() as cursor:
        cursor.execute("SELECT nextval(%s)", [SEQUENCE])
        first = int(cursor.fetchone()[0])
        if count > 1:
            cursor.execute("SELECT setval(%s, %s)", [SEQUENCE, first + count - 1])
    return first
