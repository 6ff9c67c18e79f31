"""The builder: a segment's name and rules. Its buttons are answered with the rules as they are then, so that it
works without any script of its own."""

from typing import Any

from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import Gone, StaleEdit, version_from
from segments import actions, catalog, hooks
from segments.forms import SegmentForm
from segments.models import Segment
from segments.permissions import check_can_manage_segments
from segments.refresh import evaluate
from segments.rules import describe, editor
from segments.rules import tree as rules_tree

NEW: dict[str, Any] = {"join": "and", "rules": [{}]}


def add(request: Request) -> HttpResponse:
    """A new segment."""
    check_can_manage_segments(request.user)
    return _pane(request, None)


def edit(request: Request, pk: int) -> HttpResponse:
    """A segment that is there."""
    check_can_manage_segments(request.user)
    return _pane(request, get_object_or_404(Segment, pk=pk))


def _pane(request: Request, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        initial = _as_typed(segment) if segment else {}
        return _shown(request, segment, SegmentForm(initial=initial), segment.rules if segment else NEW)
    catalogue = catalog.types_by_name()
    keeps_rules = segment is not None and not editor.is_editable(segment.rules)
    tree = segment.rules if segment and keeps_rules else editor.from_post(request.POST, catalogue)
    form = SegmentForm(request.POST, segment=segment)
    action = request.POST.get("act", "") or ("look" if "look" in request.POST else "")
    if action == "count":
        return _counted(request, segment, editor.without_blanks(tree))
    if action == "look" and request.htmx:
        context = {"sentence": describe.sentence(tree), "address": request.get_full_path()}
        return render(request, "segments/rules_sentence.html", context)
    if action:
        return _shown(request, segment, _unjudged(request, segment), editor.act(tree, action))
    return _saved(request, segment, form, editor.without_blanks(tree))


def _as_typed(segment: Segment) -> dict[str, str]:
    return {"name": segment.name, "description": segment.description, "tags": ", ".join(segment.tags)}


def _saved(request: Request, segment: Segment | None, form: SegmentForm, tree: dict[str, Any]) -> HttpResponse:
    problems = rules_tree.problems(tree, catalog.types_by_name())
    if not form.is_valid() or problems:
        return _shown(request, segment, form, tree, problems=problems, status=422)
    name = form.cleaned_data["name"]
    try:
        if segment is None:
            segment = actions.create_segment(**form.cleaned_data, rules_tree=tree, by=request.user)
        else:
            version = version_from(request.POST)
            actions.edit_segment(segment, version=version, **form.cleaned_data, rules_tree=tree, by=request.user)
    except StaleEdit as stale:
        return _shown(request, segment, form, tree, status=409, stale=stale)
    except actions.SegmentRests as rests:
        form.add_error(None, str(rests))
        return _shown(request, segment, form, tree, status=422)
    except Gone as gone:
        raise Http404 from gone
    except IntegrityError:  # somebody took the name a moment ago
        form.add_error("name", _("Another segment has this name. Choose a different one."))
        return _shown(request, segment, form, tree, status=422)
    message = _("The segment “{name}” is saved.").format(name=name)
    return close_pane(request, reverse("segments:detail", args=[segment.pk]), message)


def _counted(request: Request, segment: Segment | None, tree: dict[str, Any]) -> HttpResponse:
    """All the rules with their number or with what is wrong with them. A sentence that is still being asked for
    finds nobody to tell, and so cannot wipe the number away."""
    problems = rules_tree.problems(tree, catalog.types_by_name())
    counted: dict[str, Any] = {}
    if problems:
        counted["count_problem"] = problems[0].message
    else:
        found = evaluate.count(tree)
        counted |= {"count": found, "count_words": number(found)}
    return _shown(request, segment, _unjudged(request, segment), tree, problems=problems, counted=counted)


def _unjudged(request: Request, segment: Segment | None) -> SegmentForm:
    """The form as typed, without complaints: nobody has said Save."""
    return SegmentForm(initial=request.POST.dict(), segment=segment)


def _shown(
    request: Request,
    segment: Segment | None,
    form: SegmentForm,
    tree: Any,
    *,
    problems: list[rules_tree.Problem] | None = None,
    status: int = 200,
    stale: StaleEdit | None = None,
    counted: dict[str, Any] | None = None,
) -> HttpResponse:
    catalogue = catalog.catalogue()
    context = {
        "segment": segment,
        "form": form,
        "editor": editor.editor(tree, catalogue, problems or ()),
        "is_editable": editor.is_editable(tree),
        "has_attributes": bool(catalogue),
        "sentence": describe.sentence(tree),
        "address": request.get_full_path(),
        "stale": stale,
        "pane_wide": True,
        "active_nav": "segments",
        **(counted or {}),
    }
    if request.htmx and request.htmx.target == "rules":
        return render(request, "segments/rules.html", context)
    if segment is not None:
        context["usages"] = hooks.segment_users.usages(segment.pk)
    back = reverse("segments:detail", args=[segment.pk]) if segment else reverse("segments:list")
    return render_pane(request, "segments/builder.html", context, status, back=back)
