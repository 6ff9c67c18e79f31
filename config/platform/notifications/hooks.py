"""Define what notifications ask of the apps above: sentences of conditions in the language of their reader.

A condition is stored with the sentence that a worker wrote, in the language of the installation. An app that can
say the same in another language registers a describer for its kind of subject when Django starts.
"""

from collections.abc import Callable, Mapping, Sequence

from config.platform.notifications.models import Condition
from config.platform.text.stored_texts import translate_stored

# Returns sentences by the ID of the condition, in a constant number of queries; others keep the stored one.
Describer = Callable[[Sequence[Condition]], Mapping[int, str]]
describers: dict[str, Describer] = {}


def sentences_of(conditions: Sequence[Condition]) -> Mapping[int, str]:
    """Return the sentence of each condition by its ID, in the language that is active."""
    found = {condition.pk: translate_stored(condition.sentence) for condition in conditions}
    for subject_kind, describe in describers.items():
        of_kind = [each for each in conditions if each.subject_kind == subject_kind and each.closed_at is None]
        if of_kind:
            found |= describe(of_kind)
    return found
