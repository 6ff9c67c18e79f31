"""The layers above a page (pane, dialogs) have ids of their own: scripts find them by id, and take the first."""

import re

from django.conf import settings

LAYER = re.compile(r'<div id="([\w-]+)" class="(?:pane|dialog)-host"')


def test_no_other_element_has_the_id_of_a_layer() -> None:
    templates = settings.BASE_DIR / "templates"
    layers = LAYER.findall((templates / "base.html").read_text())
    assert len(layers) == 3
    twice = [
        (str(path.relative_to(templates)), layer)
        for path in templates.rglob("*.html")
        for layer in layers
        if f'id="{layer}"' in path.read_text() and path.name != "base.html"
    ]
    assert twice == []
