"""What attributes answer for each person, and what else a hash stands for, as fragments of the plan's SQL.

An attribute says yes or it does not; of several profiles with one address the strictest counts, so that one no is
enough. A hash covers what the list gets of a person — the answers as they come out, not where they come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from connections.destinations.values import attribute_of
from exports.state import snapshot

# In lower case; anything else, or nothing, is a no.
MEANS_YES = ("yes", "y", "true", "on", "1")
# A blank among the mapped values, as an array of them reads.
_BLANK = r'(\[|, )(null|"\s*")(\]|, )'


@dataclass(frozen=True)
class Answering:
    """Fragments to put into the plan: columns of a member, the same over everyone with an address, what comes
    before the mapped values in the hash, and what follows them in the plan."""

    says: str
    says_params: Sequence[str]
    strictest: str
    hashed: str
    hashed_params: Sequence[str]
    appended: str

    def with_answers(self, mapped: str) -> str:
        """The mapped values, a JSON array as text, with the answers at its end."""
        return f"({mapped}::jsonb || {self.appended})::text" if self.appended else mapped


def fragments(frozen: Mapping[str, Any]) -> Answering:
    """The fragments for these settings; where every answer is the same for all, nothing is added to the plan."""
    names = sorted(name for name, answer in frozen["answers"].items() if attribute_of(answer))
    places = range(len(names))
    says = "".join(f", coalesce(lower(btrim(attributes ->> %s)) = ANY (%s), false) AS says_{at}" for at in places)
    says_params: list[Any] = []
    for name in names:
        says_params += [attribute_of(frozen["answers"][name]), list(MEANS_YES)]
    strictest = "".join(f", bool_and(says_{at}) OVER (PARTITION BY email) AS answer_{at}" for at in places)
    hashed, hashed_params = _hashed(frozen, names)
    answers = ", ".join(f"answer_{at}" for at in places)
    appended = f"jsonb_build_array({answers})" if names else ""
    return Answering(says, says_params, strictest, hashed, hashed_params, appended)


def _hashed(frozen: Mapping[str, Any], names: Sequence[str]) -> tuple[str, list[str]]:
    hashed, params = _by_answers(frozen, names) if names else ("%s", [snapshot.what_changes_the_list(frozen)])
    if with_blanks := snapshot.what_changes_blanks(frozen):
        hashed = f"{hashed} || CASE WHEN mapped ~ %s THEN %s ELSE '' END"
        params += [_BLANK, with_blanks]
    return hashed, params


def _by_answers(frozen: Mapping[str, Any], names: Sequence[str]) -> tuple[str, list[str]]:
    """A text for each combination of answers."""
    cases, params = "", []
    for answers in product((True, False), repeat=len(names)):
        said = {name: "yes" if answer else "no" for name, answer in zip(names, answers, strict=True)}
        condition = " AND ".join(
            f"answer_{at}" if answer else f"NOT answer_{at}" for at, answer in enumerate(answers)
        )
        cases += f" WHEN {condition} THEN %s"
        params.append(snapshot.what_changes_the_list(frozen, said))
    return f"CASE{cases} END", params
