"""The figures of a plan and of a run, in one order and under one name each, for commands and programs."""

from exports.models import Run
from exports.selection.diff import PlanCounts

_PLAN = (
    "members",
    "invalid",
    "duplicates",
    "without_consent",
    "unchanged",
    "still_refused",
    "to_add",
    "to_update",
    "planned",
)
_ENDED = ("delivered", "new_people", "left", "rejected", "unknown", "not_sent", "incomplete")
_REMOVALS = ("to_remove", "removed", "kept", "not_removed", "removals_held")


def of_plan(figures: PlanCounts) -> dict[str, int]:
    """What a plan says of the members of its segments; ``members`` is the sum of the others."""
    return {
        "members": figures.members,
        "invalid": figures.invalid,
        "duplicates": figures.duplicate,
        "without_consent": figures.no_consent,
        "unchanged": figures.unchanged,
        "still_refused": figures.still_refused,
        "to_add": figures.to_add,
        "to_update": figures.to_update,
    }


def of_run(run: Run) -> dict[str, int]:
    """What a run planned, and what became of it."""
    return {name: getattr(run, name) for name in (*_PLAN, *_ENDED, *_REMOVALS)}
