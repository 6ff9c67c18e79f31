"""Find texts of templates that are not marked for translation, and labels that a text quotes in other words than
its button has. ``python -m tests.catalogs`` reports them."""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import polib

# -- texts of templates -----------------------------------------------------------------------------------------

_SHOWN = {"aria-label", "title", "placeholder", "alt", "data-label", "data-need"}
_NOT_SHOWN = ("script", "style", "code", "kbd", "pre")
_TRANSLATED = re.compile(r"\{%\s*(blocktranslate|comment)\b.*?\{%\s*end\1\s*%\}|\{#.*?#\}", re.DOTALL)
_TEMPLATE_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}|\b[^\W\d_]\b")
# The same in all languages: names, formats, units, and what is no text: a class, the parameters of an address.
_SAME = re.compile(
    r"Segment Exports|“Newsletter”|Parquet|gzip|HTTP|API|\bms\b|\bs\b|^button--danger$|^\?changed=&export=&rows=$"
)


class _Texts(HTMLParser):
    """Collects what a template shows, with its line."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _NOT_SHOWN
        for name, value in attrs:
            if name in _SHOWN or name.startswith("data-text-"):
                self._add(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _NOT_SHOWN))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._add(data)

    def _add(self, text: str) -> None:
        if _WORD.search(_SAME.sub("", text.strip())):
            blank_lines = text[: len(text) - len(text.lstrip())].count("\n")
            self.found.append((self.getpos()[0] + blank_lines, " ".join(text.split())))


def unmarked_texts(folder: Path) -> Iterator[str]:
    """Find texts of the templates in a folder that are not marked for translation."""
    for path in sorted(folder.rglob("*.html")):
        html = path.read_text(encoding="utf-8")
        for pattern in (_TRANSLATED, _TEMPLATE_TAG):
            html = pattern.sub(lambda match: "\n" * match[0].count("\n"), html)
        texts = _Texts()
        texts.feed(html)
        yield from (f"{path.relative_to(folder)}:{line}: not marked: {text!r}" for line, text in texts.found)


# -- labels in texts ----------------------------------------------------------------------------------------------

_QUOTED = re.compile(r"“([^”“%{}]+)”")
# “choose Add user”, “Admin > Permissions”; a label ends where its own words do.
_CHOSEN = re.compile(r"(?:\b[Cc]hoose|\b[Ss]elect|>) (?=[A-Z])")
_LABEL = re.compile(r"[A-Z][A-Za-z ]{2,35}")
# Words that look like a label, and are not one: of files, programs and Campaign Monitor, which stay English.
_NO_LABELS = {"and", "or", "union", "intersect", "except", "email", "encryption", "environment", "values"}
_OF_CAMPAIGN_MONITOR = ("In Campaign Monitor,",)
# The values of a field, not the label of the page about security.
_VALUES = {"Control", "Treatment"}
# What texts quote besides labels: words of files and programs, labels of Campaign Monitor, and examples.
_NAMES = {
    *("API client ID", "List API ID", "columns", "constant", "control", "format", "ignore_case", "import", "jobs"),
    *("ask", "key", "member", "not member", "no value", "oauth", "options", "removal: mark", "rows", "sandbox"),
    *("sha256=", "erased on …", "newsletter", "newsletter consent is yes", "private email", "work email"),
    *("Newsletter readers to the spring list", "Production"),
}


def differing_labels(catalog: polib.POFile) -> Iterator[str]:
    """Find translations that quote a label in other words than the catalog has for it."""
    labels = {entry.msgid: entry.msgstr for entry in catalog if entry.msgstr and not entry.msgctxt}
    longest_first = sorted(filter(_LABEL.fullmatch, labels), key=len, reverse=True)
    for entry in catalog:
        if entry.msgid.startswith(_OF_CAMPAIGN_MONITOR):
            continue
        given = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        for label in sorted(_labels_in(entry, labels.keys() - _NO_LABELS - _VALUES, longest_first)):
            for text in given:
                if labels[label].lower() not in text.lower():
                    yield f"the label {label!r} is {labels[label]!r}, but not in {text!r}"


def _labels_in(entry: polib.POEntry, known: set[str], longest_first: Sequence[str]) -> set[str]:
    found = set()
    for text in (entry.msgid, entry.msgid_plural):
        found |= known.intersection(_QUOTED.findall(text))
        for match in _CHOSEN.finditer(text):
            rest = text[match.end() :]
            found.add(next((label for label in longest_first if re.match(rf"{label}\b", rest)), ""))
    return found & known


def unknown_labels(texts: polib.POFile) -> Iterator[str]:
    """Find what English texts quote although no text is called so: a label that was renamed."""
    known = {text.msgid for text in texts} | {text.msgid_plural for text in texts} | _NAMES | _VALUES
    for text in texts:
        for quoted in _QUOTED.findall(f"{text.msgid} {text.msgid_plural}"):
            if quoted not in known and not quoted.startswith("manage.py "):
                yield f"no text is called “{quoted}”: {text.msgid!r}"
