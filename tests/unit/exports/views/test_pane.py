"""Templates of the export pane read what the pane computes: Django shows nothing for a name that it lacks."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from exports.views.pane import ExportPane

NAMES = dir(ExportPane) + list(ExportPane.__init__.__code__.co_names)  # with those that __init__ sets
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates" / "exports").glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_name_of_the_pane_exists(template: Path) -> None:
    used = set(re.findall(r"\bpane\.([a-z_]+)", template.read_text(encoding="utf-8")))
    assert used <= set(NAMES)


def test_templates_of_the_pane_are_found() -> None:
    assert any("pane.destination" in template.read_text(encoding="utf-8") for template in TEMPLATES)
