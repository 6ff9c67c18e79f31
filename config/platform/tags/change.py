"""Change the tags of several rows, with an audit entry for each."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.tags.models import TaggedT
from config.platform.tags.texts import are_too_many, changed_tags
from config.platform.web.versions import take_version


@transaction.atomic
def change_tags(
    rows: "QuerySet[TaggedT]", *, add: Sequence[str], remove: Sequence[str], by: User
) -> tuple[list[TaggedT], list[TaggedT]]:
    """Remove tags from rows and add others at the end. Returns the rows that are changed, and those that would
    have too many tags and stay as they are. The caller checks permissions."""
    changed, refused = [], []
    for row in rows.select_for_update(no_key=True).order_by("pk"):
        before, after = row.tags, changed_tags(row.tags, add=add, remove=remove)
        if after == before:
            continue
        if are_too_many(after):
            refused.append(row)
            continue
        version = take_version(row, row.version)  # type: ignore[attr-defined]
        row.tags = after
        row.save(update_fields=["tags"])
        record("edited", row, by=by, version=version, changes={"tags": (", ".join(before), ", ".join(after))})
        changed.append(row)
    return changed, refused
