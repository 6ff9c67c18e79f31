"""The texts of the screens, help pages and emails keep to GLOSSARY.md."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.test_glossary import ROOT, forbidden, modules

WORDS = re.compile(r"\b(?:" + "|".join(sorted(forbidden("Words that screens do not use"))) + r")\b", re.IGNORECASE)
TEMPLATES = (ROOT / "templates", ROOT / "connections" / "destinations")
_TAG = re.compile(r"""\{%\s*(?:trans|translate)\s+(?:"([^"]*)"|'([^']*)')""")
_BLOCK = re.compile(r"\{%\s*blocktrans(?:late)?\b[^%]*%\}(.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL)
_MARKUP = re.compile(r"\{[{%].*?[%}]\}|%\(\w+\)[sd]|\{\w+\}")


def texts_of_template(source: str) -> Iterator[str]:
    """The texts marked for translation in a template."""
    yield from (double or single for double, single in _TAG.findall(source))
    yield from _BLOCK.findall(source)


def texts_of_module(source: str) -> Iterator[str]:
    """The texts marked for translation in a module: the string arguments of gettext functions."""
    if "_(" not in source and "gettext" not in source:  # parsing takes long
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name == "_" or "gettext" in name:
                values = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
                yield from (value for value in values if isinstance(value, str))


def unwanted(texts: Iterator[str]) -> set[tuple[str, str]]:
    """The forbidden words in texts, each with its text."""
    found = ((text, WORDS.search(_MARKUP.sub("", text))) for text in texts)
    return {(match.group(), " ".join(text.split())) for text, match in found if match}


def test_forbidden_words_are_found_in_templates_and_modules() -> None:
    template = (
        """{% translate "Whoever is new" %}{% blocktranslate %}{{ nobody }} was told{% endblocktranslate %}"""
    )
    assert {word for word, _text in unwanted(texts_of_template(template))} == {"Whoever", "told"}
    module = """x = _("It goes on"); y = ngettext("Tell %(whom)s", "", n); z = "nobody's text'"""
    assert {word for word, _text in unwanted(texts_of_module(module[:-1] + '"'))} == {"goes on", "Tell"}


@pytest.mark.parametrize("suffix", ["html", "txt"])
def test_no_template_uses_a_forbidden_word(suffix: str) -> None:
    paths = sorted(path for folder in TEMPLATES for path in folder.rglob(f"*.{suffix}"))
    assert paths
    found = {str(path.relative_to(ROOT)): unwanted(texts_of_template(path.read_text("utf-8"))) for path in paths}
    assert {path: words for path, words in found.items() if words} == {}


def test_no_module_uses_a_forbidden_word_on_screens() -> None:
    found = {str(path.relative_to(ROOT)): unwanted(texts_of_module(path.read_text("utf-8"))) for path in modules()}
    assert {path: words for path, words in found.items() if words} == {}
