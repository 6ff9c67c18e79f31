"""Find the profiles of a person in the inbox of pushed profiles, which are not merged yet."""

import csv
from collections.abc import Iterator
from typing import Any, Final

from segments.models import PushedBatch
from segments.privacy.subjects import Subject, names_address

BATCHES_AT_ONCE: Final = 2  # of up to 10 MB


def rows_of(batch: PushedBatch, subject: Subject, *, theirs: bool) -> list[tuple[str, str]]:
    """Return the rows of a batch, each a key and its line, that have a key or an address of a person; those of
    others when ``theirs`` is False."""
    keys = {profile.key for profile in subject.profiles if profile.source_id == batch.source_id}
    return [
        (key, line)
        for key, line in zip(batch.keys, batch.lines, strict=True)
        if (key in keys or names_address(subject.emails, line)) is theirs
    ]


def pushed_profiles(subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield the profiles of a person that wait in the inbox, as the report of their data shows them."""
    batches = PushedBatch.objects.select_related("source").order_by("pk")
    for batch in batches.iterator(chunk_size=BATCHES_AT_ONCE):
        for key, line in rows_of(batch, subject, theirs=True):
            (values,) = csv.reader([line])
            yield {
                "data_source": batch.source.name,
                "key": key,
                "attributes": {name: text for name, text in zip(batch.columns, values, strict=True) if text},
                "received_at": batch.received_at.isoformat(),
            }
