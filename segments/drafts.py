"""Keep the rules that users built and have not saved, offer them again, and delete them when they are saved,
discarded or old. A draft has rules alone, neither name nor description."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.text.addresses import comparable_email
from segments.models import ErasedHash, Segment, SegmentDraft
from segments.privacy.erase import enter_erasure_barrier
from segments.privacy.subjects import hash_of_email, words_with_address
from segments.rules import tree as rule_trees
from segments.rules.tree import Tree

# The oldest drafts of a user beyond these are deleted.
MAX_PER_USER = 20


@transaction.atomic
def save(user: User, segment: Segment | None, key: UUID, rules: Tree, *, base_version: int = 0) -> None:
    """Store rules as the draft with this key of a user. Rules that are those of the segment, or none in a new one,
    are no draft, nor are rules that contain the address of an erased person: the draft is deleted."""
    enter_erasure_barrier()
    if is_saved(rules, segment) or _names_erased_person(rules):
        discard(user, key)
        return
    SegmentDraft.objects.update_or_create(
        user=user,
        key=key,
        defaults={
            "segment": segment,
            "base_version": base_version,
            "rules": dict(rules),
            "updated_at": clock.now(),
        },
    )
    newest = SegmentDraft.objects.filter(user=user).order_by("-updated_at", "-pk")
    SegmentDraft.objects.filter(pk__in=list(newest.values_list("pk", flat=True)[MAX_PER_USER:])).delete()


def discard(user: User, key: UUID) -> None:
    """Delete a draft of a user."""
    SegmentDraft.objects.filter(user=user, key=key).delete()


def find(user: User, segment: Segment | None, key: UUID) -> SegmentDraft | None:
    """Return the draft with a key that a user has of a segment; None of a new one."""
    return _drafts(user, segment).filter(key=key).first()


def latest(user: User, segment: Segment | None, *, except_for: UUID) -> SegmentDraft | None:
    """Return the last draft that a user has of a segment besides the one with the key ``except_for``."""
    return _drafts(user, segment).exclude(key=except_for).order_by("-updated_at", "-pk").first()


def delete_expired() -> int:
    """Delete the drafts that are older than their retention. Returns how many there were."""
    return SegmentDraft.objects.filter(updated_at__lt=retention.DRAFTS.cutoff()).delete()[0]


def is_saved(rules: Tree, segment: Segment | None) -> bool:
    """Say whether rules are those of the segment, as they were saved; for a new one, whether there are none."""
    return _comparable(rules) == (_comparable(segment.rules) if segment else _comparable(rule_trees.EVERYONE))


def _drafts(user: User, segment: Segment | None) -> "QuerySet[SegmentDraft]":
    return SegmentDraft.objects.filter(user=user, segment=segment, updated_at__gte=retention.DRAFTS.cutoff())


def _comparable(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule with all values as texts, as the builder posts them, without what has not been begun."""
    if "rules" not in rule and "join" not in rule:
        return {key: _text(value) for key, value in rule.items()}
    inner = [_comparable(each) for each in rule_trees.rules_of(rule)]
    return {"join": rule.get("join", "and"), "rules": [each for each in inner if each and each.get("rules") != []]}


def _text(value: object) -> object:
    return [str(each) for each in value] if isinstance(value, list | tuple) else str(value)


def _names_erased_person(rules: Tree) -> bool:
    texts = (text for condition in rule_trees.conditions(rules) for text in _values(condition.get("value")))
    emails = {comparable_email(word) for text in texts for word in words_with_address(text)}
    hashes = [hash_of_email(email) for email in emails if email]
    return bool(hashes) and ErasedHash.objects.filter(hash__in=hashes).exists()


def _values(value: object) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
