"""Read the tags of segments and exports in a manifest."""

from collections.abc import Sequence

from config.console.manifest.document import Entry
from config.platform.tags.forms import why_refused
from config.platform.tags.texts import are_too_many, split_tags


def read_tags(entry: Entry) -> Sequence[str] | None:
    """Read the list of tags of an entry; None when the file does not say, which leaves tags as they are."""
    written = entry.texts("tags")
    if written is None:
        return None
    tags = split_tags(",".join(text for text, _line in written))
    if are_too_many(tags):
        entry.note("tags", why_refused(tags))
    return tags
