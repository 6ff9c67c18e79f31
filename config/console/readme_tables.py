"""Read the tables of README.md, so that the help shows its settings and commands as they are there."""

import re
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_CELL_EDGE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\|[-|: ]+\|")
_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass
class Table:
    """A table under a heading, with its cells as HTML."""

    title: str
    heads: list[SafeString] = field(default_factory=list)
    rows: list[list[SafeString]] = field(default_factory=list)


@cache
def read_tables(section: str) -> list[Table]:
    """Read the tables of a section of README.md, such as “Settings”; each has the nearest heading above it."""
    text = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    return parse_tables(text.partition(f"\n## {section}\n")[2].partition("\n## ")[0])


def parse_tables(markdown: str) -> list[Table]:
    """Parse the tables of a text in Markdown."""
    found: list[Table] = []
    title, inside = "", False
    for line in markdown.splitlines():
        if line.startswith("### "):
            title = line.removeprefix("### ")
        is_row = line.startswith("|")
        if is_row and not inside:
            found.append(Table(title, heads=_cells(line)))
        elif is_row and not _RULE.fullmatch(line):
            found[-1].rows.append(_cells(line))
        inside = is_row
    return found


def _cells(line: str) -> list[SafeString]:
    return [_inline(cell.strip().replace("\\|", "|")) for cell in _CELL_EDGE.split(line.strip()[1:-1])]


def _inline(text: str) -> SafeString:
    """Render code and bold words; of links, which lead to files of the repository, only their text."""
    html = _LINK.sub(r"\1", str(escape(text)))
    html = _BOLD.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", html))
    return mark_safe(html)  # noqa: S308 -- escaped above
