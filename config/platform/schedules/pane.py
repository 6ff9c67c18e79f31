"""Show and save the Schedule pane of one export or segment, or of several at once; the apps say of which, and
how to save.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs import clock
from config.platform.jobs.models import Schedule
from config.platform.schedules import describe, display
from config.platform.schedules.describe import describe_rule, format_in_zone, note
from config.platform.schedules.form import ScheduleForm, with_usual_answers
from config.platform.schedules.next_due import due_moments
from config.platform.schedules.serialize import from_plain
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import Gone, StaleEdit, version_from

_SHOWN_NEXT = 3


@dataclass(frozen=True)
class Subject:
    """What is scheduled: an export or a segment."""

    key: int
    name: str
    schedule: Schedule
    # Called with is_on, rule and version; raises StaleEdit.
    save: Callable[..., object]

    @property
    def words(self) -> str:
        return describe.describe_schedule(self.schedule)


@dataclass(frozen=True)
class Preview:
    """A schedule in words, and the next times that it is due, on the wall of its zone."""

    words: str
    note: str
    moments: Sequence[tuple[datetime, str]]


def schedule_pane(request: Request, subjects: Sequence[Subject], *, back: str, active_nav: str) -> HttpResponse:
    """Show and take the Schedule pane. Posted to ``?part=`` it answers with the part that follows from what was
    typed; else the schedule is saved."""
    back_link = {"back": back, "active_nav": active_nav}
    if request.method != "POST":
        return _pane(request, _form(subjects), subjects, back_link)
    if part := request.GET.get("part"):
        return _part(request, part, subjects)
    form = _form(subjects, request.POST)
    if not form.is_valid():
        return _pane(request, form, subjects, back_link, status=422)
    try:
        _save(request, form, subjects)
    except StaleEdit as stale:
        return _stale(request, form, subjects, stale, back_link)
    except Gone:
        form.add_error(None, _("This was removed while you were editing it."))
        return _pane(request, form, subjects, back_link, status=422)
    return close_pane(request, back, _saved_message(subjects))


def _saved_message(subjects: Sequence[Subject]) -> str:
    """Return the message that the schedules were saved."""
    if len(subjects) == 1:
        return _("The schedule of “%(name)s” is saved.") % {"name": subjects[0].name}
    sentence = ngettext("%(n)d schedule is saved.", "%(n)d schedules are saved.", len(subjects))
    return sentence % {"n": len(subjects)}


def came_from_its_page(request: Request, subjects: Sequence[Subject]) -> bool:
    """Return whether the pane was opened on the page of one thing, to lead back there instead of to the list."""
    return request.GET.get("from") == "page" and len(subjects) == 1


def _form(subjects: Sequence[Subject], typed: QueryDict | None = None) -> ScheduleForm:
    return ScheduleForm(typed, schedule=subjects[0].schedule, several=len(subjects) > 1)


def _part(request: Request, part: str, subjects: Sequence[Subject]) -> HttpResponse:
    """Show a part as it follows from what was typed, without errors before Save."""
    typed = request.POST if part == "preview" else with_usual_answers(request.POST, subjects[0].schedule)
    form = _form(subjects, typed)
    rule = form.cleaned_data["rule"] if form.is_valid() else None
    template = "components/schedule_preview.html" if part == "preview" else "components/schedule_details.html"
    return render(request, template, _looks(request, form.without_errors(), rule))


def _looks(request: Request, form: ScheduleForm, rule: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the context of the parts that change, with a preview of ``rule`` when it is valid."""
    follows_system = form.follows_system
    return {
        "form": form,
        "parts_url": _parts_url(request),
        "preview": preview_of(rule) if rule else None,
        "follows_system": follows_system,
        "system": display.system_state() if follows_system else None,
    }


def preview_of(plain: Mapping[str, Any]) -> Preview:
    """Return the rule in words, and when it is due next."""
    rule = from_plain(plain)
    moments = islice(due_moments(rule, clock.now()), _SHOWN_NEXT)
    return Preview(
        describe_rule(rule), note(rule), [(moment, format_in_zone(moment, rule.zone)) for moment in moments]
    )


@transaction.atomic
def _save(request: Request, form: ScheduleForm, subjects: Sequence[Subject]) -> None:
    """Save the schedules of all subjects or of none."""
    versions = _versions(request, subjects)
    for subject in subjects:
        rule = subject.schedule.rule if form.keeps_rules else form.cleaned_data["rule"]
        subject.save(is_on=form.cleaned_data["is_on"], rule=rule, version=versions[subject.key])


def _versions(request: Request, subjects: Sequence[Subject]) -> dict[int, int]:
    """Return the versions that the page has shown, by the key of the subject."""
    if len(subjects) == 1:
        return {subjects[0].key: version_from(request.POST)}
    shown = (text.partition(":") for text in request.POST.getlist("versions"))
    given = {key: version_from({"version": version}) for key, _colon, version in shown}
    return {subject.key: given.get(str(subject.key), -1) for subject in subjects}


def _stale(
    request: Request,
    form: ScheduleForm,
    subjects: Sequence[Subject],
    stale: StaleEdit,
    back_link: Mapping[str, str],
) -> HttpResponse:
    if len(subjects) == 1:
        return _pane(request, form, subjects, back_link, status=409, stale=stale)
    sentence = _("Another user has changed the schedule of “%(name)s”. Save again to overwrite it.")
    form.add_error(None, sentence % {"name": stale.instance})
    return _pane(request, form, subjects, back_link, status=409)


def _pane(
    request: Request,
    form: ScheduleForm,
    subjects: Sequence[Subject],
    back_link: Mapping[str, str],
    *,
    status: int = 200,
    stale: StaleEdit | None = None,
) -> HttpResponse:
    if form.is_bound:
        rule = form.cleaned_data.get("rule") if form.is_valid() else None
    else:
        rule = None if form.keeps_rules else subjects[0].schedule.rule
    context = _looks(request, form, rule) | {
        "subjects": subjects,
        "instance": subjects[0].schedule,
        "stale": stale,
        "active_nav": back_link["active_nav"],
    }
    return render_pane(request, "components/schedule_pane.html", context, status, back=back_link["back"])


def _parts_url(request: Request) -> str:
    query = request.GET.copy()
    query.pop("part", None)
    return f"{request.path}?{query.urlencode()}{'&' if query else ''}part="
