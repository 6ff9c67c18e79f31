"""Read a manifest as YAML whose values know their lines, with all problems of it and the rules of segments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext as _
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True)
class Problem:
    """One problem of a file that has to be corrected. ``line`` counts from 1."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class FileRefused(Exception):
    """The file cannot be applied, and nothing was changed. Holds every problem, in the order of lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda problem: (problem.line, problem.reason))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Problems:
    """Collect the problems of a file while it is read, so that all of them can be corrected at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: list[Problem] = []

    def add(self, line: int, reason: str) -> None:
        """Note that ``line`` has to be corrected."""
        self._found.append(Problem(self.path, line, reason))

    def stop_if_any(self) -> None:
        """Raise FileRefused with all that was noted; nothing when the file is good so far."""
        if self._found:
            raise FileRefused(self._found)


MOST_BYTES = 10 * 1024 * 1024
_NULL = "tag:yaml.org,2002:null"


def line_of(node: Node) -> int:
    """Return the line on which it begins, counted from 1."""
    return int(node.start_mark.line) + 1


def read(path: Path, content: bytes | None = None) -> Node:
    """Read the root of the file, or of ``content`` in its place. Raises FileRefused when it is no YAML at all."""
    text = _text(path, content)
    try:
        _refuse_aliases(path, text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = _line_of_error(error)
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise _refused(path, line, _("The file is not valid YAML: %s.") % reason) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(path, line, _("The file contains a character that YAML does not allow.")) from None
    except RecursionError:
        raise _refused(path, 1, _("The file is nested too deeply.")) from None
    if root is None:
        raise _refused(path, 1, _("The file is empty."))
    return root


def _line_of_error(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark else 1


def _text(path: Path, given: bytes | None) -> str:
    try:
        if (path.stat().st_size if given is None else len(given)) > MOST_BYTES:
            raise _refused(path, 1, _("The file is larger than 10 MB."))
        content = path.read_bytes() if given is None else given
    except OSError as error:
        raise _refused(path, 1, _("The file cannot be read: %s.") % error.strerror) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, content.count(b"\n", 0, error.start) + 1, _("The file is not UTF-8.")) from None


def _refuse_aliases(path: Path, text: str) -> None:
    """Refuse aliases, with which a small file can become endless."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _refused(path, line, _("Aliases (*name) are not supported. Write the value in full."))


def _refused(path: Path, line: int, reason: str) -> FileRefused:
    return FileRefused([Problem(path, line, reason)])


def kind_of(node: Node) -> str:
    """Name the kind of a node in words."""
    if isinstance(node, MappingNode):
        return _("a mapping")
    if isinstance(node, SequenceNode):
        return _("a list")
    return _("nothing") if node.tag == _NULL else _("a single value")


Lined = tuple[str, int]  # a text and its line
TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class Entry:
    """A mapping of the file, read key by key. What is missing, unknown, doubled or of the wrong kind is noted."""

    def __init__(self, node: Node, problems: Problems, known: Sequence[str]) -> None:
        self.node = node
        self.line = line_of(node)
        self._problems = problems
        self._values: dict[str, Node] = {}
        if not isinstance(node, MappingNode):
            problems.add(self.line, _("Expected a mapping (key: value), found %s.") % kind_of(node))
            return
        self._take(node, known)

    def _take(self, node: MappingNode, known: Sequence[str]) -> None:
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else None
            if name is None:
                self._problems.add(line_of(key), _("A key must be a single word."))
            elif name in self._values:
                self._problems.add(line_of(key), _("“%s” appears more than once.") % name)
            elif known and name not in known:
                self._problems.add(line_of(key), _unknown_key(name, known))
            else:
                self._values[name] = value

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def note(self, key: str, reason: str) -> None:
        """Note a problem with the value of ``key``."""
        self._problems.add(self.line_of(key), reason)

    def missing(self, key: str) -> None:
        """Note that ``key`` is not there; a thing that is no mapping at all has been noted as such."""
        if isinstance(self.node, MappingNode):
            self._problems.add(self.line, _("“%s” is missing.") % key)

    def line_of(self, key: str) -> int:
        """Return the line of the value of ``key``; the entry's own when it has none."""
        return line_of(self._values[key]) if key in self._values else self.line

    def items(self) -> Iterator[tuple[str, Node]]:
        """Return all keys with their nodes."""
        yield from self._values.items()

    def value(self, key: str) -> Node | None:
        """Return the node of ``key``, or None."""
        return self._values.get(key)

    def text(self, key: str, *, required: bool = False, most: int | None = None) -> str | None:
        """Return a text as it is written; None, with a problem, when there is none where one is required."""
        node = self._values.get(key)
        if node is None:
            if required:
                self.missing(key)
            return None
        text = text_of(node)
        if text is None:
            self._problems.add(line_of(node), _("“%(key)s” must be text; found %(kind)s.") % _found(key, node))
            return None
        if required and not text.strip():
            self.note(key, _("“%s” is empty.") % key)
            return None
        if most is not None and len(text) > most:
            self.note(key, _("“%(key)s” has more than %(most)d characters.") % {"key": key, "most": most})
            return None
        return text.strip()

    def lined(self, key: str, *, required: bool = False, most: int | None = None) -> Lined | None:
        """Return a text with its line; None where ``text`` gives none, or an empty one."""
        text = self.text(key, required=required, most=most)
        return (text, self.line_of(key)) if text else None

    def truth(self, key: str) -> bool | None:
        """Return yes or no; None when the file does not say, or says something else, which is a problem."""
        written = self.text(key)
        if written is not None and written.lower() not in TRUTHS:
            self.note(key, _("“%s” must be yes or no.") % key)
        return None if written is None else TRUTHS.get(written.lower())

    def number(self, key: str, *, least: int, most: int) -> int | None:
        """Return a whole number in the range; None when the file does not say, or not so, which is a problem."""
        written = self.text(key)
        if written is None:
            return None
        number = int(written) if written.isascii() and written.isdigit() and len(written) < 12 else -1
        if not least <= number <= most:
            words = {"key": key, "least": least, "most": most}
            self.note(key, _("“%(key)s” must be a whole number from %(least)d to %(most)d.") % words)
            return None
        return number

    def texts(self, key: str, *, required: bool = False) -> list[tuple[str, int]] | None:
        """Return a list of texts, each with its line; None when there is none."""
        node = self._values.get(key)
        if node is None:
            if required:
                self.missing(key)
            return None
        if not isinstance(node, SequenceNode):
            self.note(key, _("“%(key)s” must be a list; found %(kind)s.") % _found(key, node))
            return None
        texts = [(text_of(item), line_of(item)) for item in node.value]
        for text, line in texts:
            if text is None or not text.strip():
                self._problems.add(line, _("“%s” must be a list of text values.") % key)
        return [(text.strip(), line) for text, line in texts if text is not None and text.strip()]


def entries(parent: Entry, key: str) -> Iterator[Node]:
    """List the nodes of a list; anything else is a problem. An empty value is an empty list."""
    node = parent.value(key)
    if isinstance(node, SequenceNode):
        yield from node.value
    elif node is not None and node.tag != _NULL:
        parent.note(key, _("“%(key)s” must be a list; found %(kind)s.") % _found(key, node))


def text_of(node: Node) -> str | None:
    """Return a scalar as it is written; None for anything else, and for null."""
    if not isinstance(node, ScalarNode) or node.tag == _NULL:
        return None
    return str(node.value)


def is_nothing(node: Node | None) -> bool:
    """Tell whether a key is there without a value, or with null."""
    return node is not None and node.tag == _NULL


def says(node: Node | None, word: str) -> bool:
    """Tell whether a value is one word."""
    return node is not None and text_of(node) == word


def _unknown_key(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return _("“%(name)s” is unknown. Did you mean “%(close)s”?") % {"name": name, "close": close[0]}
    return _("“%(name)s” is unknown. Available: %(known)s.") % {"name": name, "known": ", ".join(known)}


def _found(key: str, node: Node) -> dict[str, str]:
    return {"key": key, "kind": kind_of(node)}


@dataclass(frozen=True)
class LinedRules:
    """A tree of rules, and where in the file each stands, by its path (see segments.rules.tree)."""

    tree: Mapping[str, Any]
    lines: Mapping[tuple[int, ...], int] = field(repr=False)

    def line_at(self, path: Sequence[int]) -> int:
        """Return the line of the rule at ``path``."""
        return self.lines.get(tuple(path), self.lines[()])


def read_rules(node: Node, problems: Problems) -> LinedRules:
    """Read the rules of a segment; what has the wrong shape is added to ``problems``."""
    lines: dict[tuple[int, ...], int] = {}
    return LinedRules(_group(node, (), lines, problems), lines)


def _group(
    node: Node, path: tuple[int, ...], lines: dict[tuple[int, ...], int], problems: Problems
) -> dict[str, Any]:
    lines[path] = line_of(node)
    entry = Entry(node, problems, ("join", "rules"))
    children = list(entries(entry, "rules"))
    rules = [_rule(child, (*path, number), lines, problems) for number, child in enumerate(children)]
    return {"join": entry.text("join") or "and", "rules": rules}


def _rule(
    node: Node, path: tuple[int, ...], lines: dict[tuple[int, ...], int], problems: Problems
) -> dict[str, Any]:
    if isinstance(node, MappingNode) and any(key.value == "rules" for key, _value in node.value):
        return _group(node, path, lines, problems)
    lines[path] = line_of(node)
    if isinstance(node, MappingNode) and any(key.value == "segment" for key, _value in node.value):
        membership = Entry(node, problems, ("segment", "operator"))
        return {key: membership.text(key) or "" for key in ("segment", "operator")}
    entry = Entry(node, problems, ("attribute", "operator", "value", "other_attribute", "ignore_case"))
    rule: dict[str, Any] = {key: entry.text(key) or "" for key in ("attribute", "operator")}
    if "other_attribute" in entry:
        rule["other_attribute"] = entry.text("other_attribute") or ""
    if (value := entry.value("value")) is not None:
        rule["value"] = _value(value)
    if entry.truth("ignore_case"):
        rule["ignore_case"] = True
    return rule


def _value(node: Node) -> str | list[str | None] | None:
    """Return a value as it is written, so that ``NO`` stays a country and a day stays a day: the rules know the
    types."""
    if isinstance(node, SequenceNode):
        return [text_of(item) for item in node.value]
    return text_of(node)
