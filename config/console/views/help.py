"""Show the pages of the help, and the statuses and results that they explain."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from config.console import help_search, readme_tables
from config.console.help_pages import GROUPS, PAGES, HelpGroup
from config.platform.accounts.password_links import base_url_of
from config.platform.events.models import EventType
from config.platform.jobs.models import JobStatus
from config.platform.notifications.models import KIND_MEANINGS
from exports.results import summary

_LONGEST_SEARCH = 200
# Sections of README.md.
_TABLES = {"settings": "Settings", "commands": "Commands", "orchestrators": "Command line client"}
STATUS_MEANINGS: dict[JobStatus, Promise] = {
    JobStatus.QUEUED: _("Waiting for its turn, or for something it depends on."),
    JobStatus.PROCESSING: _("In progress. You can cancel it."),
    JobStatus.SUCCESSFUL: _("Completed without errors, even if nothing had changed and nothing was sent."),
    JobStatus.WARNINGS: _("Completed, but some contacts or rows were rejected. The page lists them with reasons."),
    JobStatus.SKIPPED: _("Not started, because something it depends on is not ready. It resolves automatically."),
    JobStatus.FAILURE: _("Failed. It is retried automatically."),
    JobStatus.FAILED: _("All retries failed, or a retry would not help. It needs attention."),
    JobStatus.CANCELED: _("Canceled by a user. Completed work is kept."),
    JobStatus.NEEDS_CONFIRMATION: _("Nothing has been sent or imported. A user has to confirm first."),
}

# The excluded members have several reasons, so their meaning is here.
_EXCLUDED = _("No usable email, duplicate email, no consent, in the exclusion segment or in the control group.")
RESULTS: list[tuple[str, str | Promise, str | Promise]] = [
    (kind.value, summary.LABELS[kind], summary.MEANINGS.get(kind, _EXCLUDED))
    for kind in (*summary.PARTS, *summary.REMOVALS)
]


def help_index(request: HttpRequest) -> HttpResponse:
    """List the pages of the help with their sections, or the sections that contain the words of ``q``."""
    words = request.GET.get("q", "").strip()[:_LONGEST_SEARCH]
    sections = {page: help_search.sections_of(page, _text_of(request, page)) for page in PAGES}
    found = help_search.search(words, (each for listed in sections.values() for each in listed))
    context = {
        "groups": GROUPS,
        "page_title": _("Help"),
        "words": words,
        "found": [(each, PAGES[each.page]) for each in found],
        "contents": contents_of(sections),
    }
    return render(request, "help/index.html", context)


def help_page(request: HttpRequest, page: str) -> HttpResponse:
    """Show one page of the help."""
    if page not in PAGES:
        raise Http404
    context = {"groups": GROUPS, "page": page, "page_title": PAGES[page], "text": _text_of(request, page)}
    return render(request, "help/help.html", context)


def contents_of(
    sections: Mapping[str, list[help_search.Section]],
) -> list[tuple[HelpGroup, list[tuple[str, Promise, Mapping[str, str]]]]]:
    """List the pages by kind of users, each with the titles of its sections."""
    return [
        (group, [(page, label, help_search.titles(sections[page])) for page, label in group.pages.items()])
        for group in GROUPS
    ]


def _text_of(request: HttpRequest, page: str) -> SafeString:
    """Return the text of a page in the language of the request."""
    return render_text(page, base_url=base_url_of(request).rstrip("/"), request=request)


def render_text(
    page: str, *, base_url: str, picture_root: str = "", request: HttpRequest | None = None
) -> SafeString:
    """Render the text of a page in the language that is active; its headings have IDs. ``picture_root`` is the
    folder of pictures where they are not static files of this program."""
    context = {
        "product_name": settings.PRODUCT_NAME,
        "statuses": [(status.value, status.label, STATUS_MEANINGS[status]) for status in JobStatus],
        "outcomes": RESULTS,
        "kinds": [(kind.label, meaning) for kind, meaning in KIND_MEANINGS.items()],
        "event_types": EventType.choices,
        "base_url": base_url,
        "picture_root": picture_root,
        "security_controls": security_controls() if page == "security" else [],
        "examples": client_examples() if page == "orchestrators" else [],
        "tables": readme_tables.read_tables(_TABLES[page]) if page in _TABLES else [],
    }
    html = render_to_string(f"help/{page}.html", context, request)
    return mark_safe(help_search.with_heading_ids(html))  # noqa: S308 -- a template has escaped what it puts in


@cache
def client_examples() -> list[tuple[str, str, str]]:
    """Read the examples of the command line client: the name of each orchestrator, of the file, and its text."""
    folder = settings.BASE_DIR / "config" / "client" / "examples"
    names = {
        "Airflow": "airflow_dag.py",
        "dbt": "dbt_build.sh",
        "GitHub Actions": "github-actions.yml",
        "Cron": "crontab",
    }
    return [(label, name, (folder / name).read_text(encoding="utf-8")) for label, name in names.items()]


@cache
def security_controls() -> list[dict[str, Any]]:
    """Read security_controls.yaml: threats by group, each with its control and the tests that verify it. To
    each test it adds its file, and its name as a sentence."""
    text = (Path(__file__).parents[1] / "security_controls.yaml").read_text(encoding="utf-8")
    groups: list[dict[str, Any]] = yaml.safe_load(text)
    for group in groups:
        for threat in group["threats"]:
            parts = [(test, *test.split("::")) for test in threat["tests"]]
            threat["proofs"] = [
                (test, path, name.removeprefix("test_").replace("_", " ")) for test, path, name in parts
            ]
    return groups
