"""Define what notifications ask of the apps above: sentences of conditions in the language of their reader, and
the exports and connections that a subject belongs to.

A condition is stored with the sentence that a worker wrote, in English. An app that can
say the same in another language registers a describer for its kind of subject when Django starts, and a function
that finds the scope of the subject.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from config.platform.notifications.models import Condition
from config.platform.text.stored_texts import translate_stored

# Returns sentences by the ID of the condition, in a constant number of queries; others keep the stored one.
Describer = Callable[[Sequence[Condition]], Mapping[int, str]]
describers: dict[str, Describer] = {}


@dataclass(frozen=True)
class Scope:
    """The exports and connections that a subject belongs to, by their IDs: webhooks of these get its events."""

    export_ids: Collection[int] = ()
    connection_ids: Collection[int] = ()


# Return the scope of a subject by its key.
scopes: dict[str, Callable[[str], Scope]] = {}


def scope_of(subject_kind: str, key: str) -> Scope:
    """Return the scope of a subject; that of no export and connection if its kind has none."""
    find = scopes.get(subject_kind)
    return find(key) if find else Scope()


def sentences_of(conditions: Sequence[Condition]) -> Mapping[int, str]:
    """Return the sentence of each condition by its ID, in the language that is active."""
    found = {condition.pk: translate_stored(condition.sentence) for condition in conditions}
    for subject_kind, describe in describers.items():
        of_kind = [each for each in conditions if each.subject_kind == subject_kind and each.closed_at is None]
        if of_kind:
            found |= describe(of_kind)
    return found
