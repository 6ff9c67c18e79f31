"""Which data sources a segment is drawn from: whether what goes wrong with one concerns the other. Pure."""

from collections.abc import Collection

from segments.rules import tree as rules_tree
from segments.rules.operators import FIT_WITHOUT_VALUE
from segments.rules.tree import Tree


def draws_from(tree: Tree, columns: Collection[str]) -> bool:
    """Whether people of a data source that gives these attributes may fit the rules. When nothing is known of the
    source, they may."""
    used = {str(condition.get("attribute")) for condition in rules_tree.conditions(tree)}
    return not columns or not used.isdisjoint(columns) or fits_without_attributes(tree)


def fits_without_attributes(tree: Tree) -> bool:
    """Whether somebody of whom nothing is known fits the rules."""
    fits = _group_fits(tree)
    return True if fits is None else fits


def _group_fits(tree: Tree) -> bool | None:
    """None for a group that says nothing."""
    told = [fits for rule in rules_tree.rules_of(tree) if (fits := _fits(rule)) is not None]
    if not told:
        return None
    return any(told) if tree.get("join") == "or" else all(told)


def _fits(rule: Tree) -> bool | None:
    return _group_fits(rule) if "rules" in rule else rule.get("operator") in FIT_WITHOUT_VALUE
