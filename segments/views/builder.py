"""Create and edit a segment: name, description, tags and rules. Each button answers with the rules, so that the
builder works without its own script."""

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
from segments.rules import editor, operators
from segments.rules import tree as rules_tree
from segments.store import matching, values

NEW: dict[str, Any] = {"join": "and", "rules": [{}]}


def add(request: Request) -> HttpResponse:
    """Create a segment."""
    check_can_manage_segments(request.user)
    return _pane(request, None)


def edit(request: Request, pk: int) -> HttpResponse:
    """Edit a segment."""
    check_can_manage_segments(request.user)
    return _pane(request, get_object_or_404(Segment, pk=pk))


def _pane(request: Request, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        initial = _initial(segment) if segment else {}
        return _render_builder(request, segment, SegmentForm(initial=initial), segment.rules if segment else NEW)
    types = catalog.types_by_name()
    keeps_rules = segment is not None and not editor.is_editable(segment.rules)
    tree = segment.rules if segment and keeps_rules else editor.from_post(request.POST, types)
    form = SegmentForm(request.POST, segment=segment)
    action = request.POST.get("act", "") or ("describe" if "describe" in request.POST else "")
    if action == "count":
        return _count(request, segment, editor.without_empty_groups(tree))
    if action == "describe" and request.htmx:
        context = {"sentence": operators.describe_rules(tree), "address": request.get_full_path()}
        return render(request, "segments/rules_sentence.html", context)
    if action:
        return _render_builder(request, segment, _unvalidated(request, segment), editor.apply_action(tree, action))
    return _save(request, segment, form, editor.without_empty_groups(tree))


def _initial(segment: Segment) -> dict[str, str]:
    return {"name": segment.name, "description": segment.description, "tags": ", ".join(segment.tags)}


def _save(request: Request, segment: Segment | None, form: SegmentForm, tree: dict[str, Any]) -> HttpResponse:
    problems = rules_tree.problems(tree, catalog.types_by_name())
    if not form.is_valid() or problems:
        return _render_builder(request, segment, form, tree, problems=problems, status=422)
    name = form.cleaned_data["name"]
    try:
        if segment is None:
            segment = actions.create_segment(**form.cleaned_data, rules_tree=tree, by=request.user)
        else:
            version = version_from(request.POST)
            actions.edit_segment(segment, version=version, **form.cleaned_data, rules_tree=tree, by=request.user)
    except StaleEdit as stale:
        return _render_builder(request, segment, form, tree, status=409, stale=stale)
    except actions.RulesLocked as locked:
        form.add_error(None, str(locked))
        return _render_builder(request, segment, form, tree, status=422)
    except Gone as gone:
        raise Http404 from gone
    except IntegrityError:  # another segment has just taken the name
        form.add_error("name", _("Another segment has this name. Choose a different one."))
        return _render_builder(request, segment, form, tree, status=422)
    message = _("The segment “{name}” is saved.").format(name=name)
    return close_pane(request, reverse("segments:detail", args=[segment.pk]), message)


def _count(request: Request, segment: Segment | None, tree: dict[str, Any]) -> HttpResponse:
    """Show the rules with the number of matches or the first problem. All rules are replaced, so that a late
    description cannot overwrite the number."""
    problems = rules_tree.problems(tree, catalog.types_by_name())
    counted: dict[str, Any] = {}
    if problems:
        counted["count_problem"] = problems[0].message
    else:
        found = matching.count_matches(tree)
        counted |= {"count": found, "count_words": number(found)}
    form = _unvalidated(request, segment)
    return _render_builder(request, segment, form, tree, problems=problems, counted=counted)


def _unvalidated(request: Request, segment: Segment | None) -> SegmentForm:
    """Return the form as typed, without errors, because the user has not saved."""
    return SegmentForm(initial=request.POST.dict(), segment=segment)


def _render_builder(
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
    attributes = catalog.attributes()
    context = {
        "segment": segment,
        "form": form,
        "editor": editor.build_editor(tree, attributes, values.common_values, problems or ()),
        "is_editable": editor.is_editable(tree),
        "has_attributes": bool(attributes),
        "sentence": operators.describe_rules(tree),
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
