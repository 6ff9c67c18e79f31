"""Who met which fate in a run."""

from typing import Any, cast

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.accounts.decorators import require_permission
from config.accounts.permissions import Permission
from config.web.htmx import Request
from config.web.lists import LONGEST_SEARCH, Column, ListPage
from exports import accounting, messages, run_people
from exports.accounting import LABELS, MEANINGS, PeopleKind
from exports.models import Outcome, Run
from exports.views.run_frame import find_run, frame

PAGE_SIZE = 50

_BATCH_COLUMNS = (
    Column("email", gettext_lazy("Email")),
    Column("batch", gettext_lazy("Batch")),
)
_OUTCOME_COLUMNS = (
    Column("email", gettext_lazy("Email")),
    Column("why", gettext_lazy("Reason")),
    Column("code", gettext_lazy("Code")),
)
# Counted, and nothing else: nobody keeps a row for them.
_COUNTED_ONLY = (PeopleKind.UNCHANGED, PeopleKind.STILL_REFUSED)


class PeoplePage(ListPage[Any]):
    """A list whose kind is part of what it is: only searching and a code narrow it."""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self._query.get("code"))


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def people(request: Request, run_id: int) -> HttpResponse:
    """The people of one kind (``?kind=``), those with one code alone (``?code=``), a page at a time."""
    run = find_run(run_id)
    kind = _kind(request.GET.get("kind", PeopleKind.MEMBERS))
    sees_data = request.user.may(Permission.PERSONAL_DATA_SEE)
    count = _count(run, kind)
    context = frame(request, run, "exports:people") | {
        "kind": kind.value,
        "kind_label": LABELS[kind],
        "meaning": MEANINGS.get(kind, ""),
        "kinds": _kinds(run, kind),
        "counted_only": kind in _COUNTED_ONLY,
        "code": request.GET.get("code", ""),
        "count": count,
        "sees_data": sees_data,
        "from_batches": kind not in run_people.OUTCOMES,
    }
    if kind is PeopleKind.MEMBERS or kind in _COUNTED_ONLY:
        return render(request, "exports/people_counts.html", context)
    page = _page(request, run, kind, sees_data=sees_data)
    context |= {"list": page, "people": _shown(page.rows), "rows_gone": bool(count) and not page.total}
    return render(request, "exports/people.html", context)


def _page(request: Request, run: Run, kind: PeopleKind, *, sees_data: bool) -> PeoplePage:
    # Whoever sees addresses masked must not find out by searching which ones there are.
    words = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH] if sees_data else ""
    found: Any
    columns: tuple[Column, ...]
    if kind in run_people.OUTCOMES:
        columns = _OUTCOME_COLUMNS
        found = run_people.outcomes_of(run, kind, request.GET.get("code", ""), words).order_by("pk")
    else:
        columns = _BATCH_COLUMNS
        found = run_people.BatchPeople(run, kind, words)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page", 1))
    return PeoplePage(cast(Any, page), columns=columns, query=request.GET, sort="", search=words, selectable=False)


def _shown(rows: list[Any]) -> list[dict[str, object]]:
    return [
        {"person": row, "why": messages.of_outcome(row), "code": row.code}
        if isinstance(row, Outcome)
        else {"person": row, "batch": row.batch_label}
        for row in rows
    ]


def _kind(text: str) -> PeopleKind:
    try:
        return PeopleKind(text)
    except ValueError:
        raise Http404 from None


def _kinds(run: Run, current: PeopleKind) -> list[dict[str, object]]:
    """Every kind with its count, to go from one to the other."""
    return [
        {"kind": kind.value, "label": LABELS[kind], "people": _count(run, kind), "current": kind is current}
        for kind in PeopleKind
        if kind is not PeopleKind.NEW
    ]


def _count(run: Run, kind: PeopleKind) -> int:
    """What the run itself says."""
    counts = {line.kind: line.people or 0 for line in (*accounting.plan_of(run), *accounting.ending_of(run))}
    counts |= {PeopleKind.MEMBERS: run.members, PeopleKind.NEW: run.new_people}
    return counts[kind]
