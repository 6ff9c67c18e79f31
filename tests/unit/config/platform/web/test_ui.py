"""Template tags."""

import pytest
from django.template import Context, Template

from config.platform.jobs.models import JobStatus
from config.platform.web.templatetags import ui


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def test_a_pill_has_an_icon_and_a_word() -> None:
    pill = render("{% status_pill 'failed' label %}", label="Failed <b>")
    assert 'class="pill pill--danger"' in pill
    assert "<svg" in pill
    assert "Failed &lt;b&gt;" in pill


def test_a_working_pill_has_a_dot() -> None:
    assert "pill__dot" in render("{% status_pill 'processing' 'Processing' %}")


def test_an_unknown_status_is_neutral() -> None:
    assert "pill--neutral" in ui.status_pill("brand_new")
    assert ">Brand new<" in ui.status_pill("brand_new")


@pytest.mark.parametrize("status", JobStatus.values)
def test_every_status_has_a_look(status: str) -> None:
    assert status in ui.STATUS_STYLES
    assert ui.status_pill(status)


@pytest.mark.parametrize("name", sorted({look.icon for look in ui.STATUS_STYLES.values() if look.icon}))
def test_every_look_has_an_icon_that_exists(name: str) -> None:
    assert 'aria-hidden="true"' in ui.icon(name)


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 10, "0%"), (1, 1000, "&lt;1%"), (999, 1000, "99%"), (5, 5, "100%"), (1, 0, "–"), (None, 3, "–")],
)
def test_a_share_never_claims_all_or_nothing_falsely(part: int | None, whole: int, told: str) -> None:
    assert render("{% percent part whole %}", part=part, whole=whole) == told
