"""The rules of a segment as a file writes them: the same tree as the builder stores, and the line of each rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from yaml.nodes import MappingNode, Node, SequenceNode

from config.console.applying import document
from config.console.applying.document import Entry
from config.console.applying.problems import Problems

_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class LinedRules:
    """A tree of rules, and where in the file each stands, by its path (see segments.rules.tree)."""

    tree: Mapping[str, Any]
    lines: Mapping[tuple[int, ...], int] = field(repr=False)

    def line_at(self, path: Sequence[int]) -> int:
        """The line of the rule at ``path``."""
        return self.lines.get(tuple(path), self.lines[()])


def read(node: Node, problems: Problems) -> LinedRules:
    """The tree; what has the wrong shape is noted."""
    lines: dict[tuple[int, ...], int] = {}
    return LinedRules(_group(node, (), lines, problems), lines)


def _group(
    node: Node, path: tuple[int, ...], lines: dict[tuple[int, ...], int], problems: Problems
) -> dict[str, Any]:
    lines[path] = document.line_of(node)
    entry = Entry(node, problems, ("join", "rules"))
    children = list(document.entries(entry, "rules"))
    rules = [_rule(child, (*path, number), lines, problems) for number, child in enumerate(children)]
    return {"join": entry.text("join") or "and", "rules": rules}


def _rule(
    node: Node, path: tuple[int, ...], lines: dict[tuple[int, ...], int], problems: Problems
) -> dict[str, Any]:
    if isinstance(node, MappingNode) and any(key.value == "rules" for key, _value in node.value):
        return _group(node, path, lines, problems)
    lines[path] = document.line_of(node)
    entry = Entry(node, problems, ("attribute", "operator", "value", "ignore_case"))
    rule: dict[str, Any] = {key: entry.text(key) or "" for key in ("attribute", "operator")}
    if (value := entry.value("value")) is not None:
        rule["value"] = _value(value)
    if entry.value("ignore_case") is not None:
        written = (entry.text("ignore_case") or "").lower()
        if written not in _TRUTHS:
            entry.note("ignore_case", _("“ignore_case” is yes or no."))
        elif _TRUTHS[written]:
            rule["ignore_case"] = True
    return rule


def _value(node: Node) -> str | list[str | None] | None:
    """As it is written, so that ``NO`` stays a country and a day stays a day: the rules know the types."""
    if isinstance(node, SequenceNode):
        return [document.text_of(item) for item in node.value]
    return document.text_of(node)
