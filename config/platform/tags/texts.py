"""Split, compare and limit tags: short texts in the order that users chose, different whatever their case."""

from collections.abc import Iterable, Sequence

MAX_TAGS, MAX_TAG_LENGTH = 10, 40


def split_tags(text: str) -> list[str]:
    """Split tags that are separated by commas, without repeated ones."""
    return different_tags(word for part in text.split(",") if (word := " ".join(part.split())))


def different_tags(tags: Iterable[str]) -> list[str]:
    """Drop tags that are repeated, whatever their case."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


def are_too_many(tags: Sequence[str]) -> bool:
    """Tell whether a row cannot have these tags: they are too many, or one is too long."""
    return len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH for tag in tags)


def changed_tags(tags: Sequence[str], *, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Return tags without those to remove and with those to add at the end, whatever their case."""
    removed = {tag.casefold() for tag in remove}
    return different_tags([*(tag for tag in tags if tag.casefold() not in removed), *add])
