"""Create and edit a segment: name, description, tags and rules. Each button answers with the rules, so that the
builder works without its own script; while a user types, the description and the counts follow."""

import json
from typing import Any

from django.db import IntegrityError
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import Gone, StaleEdit, version_from
from segments import actions, catalog, hooks, profiles, segment_rules
from segments.forms import SegmentForm
from segments.models import Segment
from segments.permissions import check_can_manage_segments, user_can_see_personal_data
from segments.rules import editor, posted_rules, rearrange
from segments.rules import tree as rules_tree
from segments.rules.tree import Problem, Tree
from segments.store import matching, values
from segments.store.overlap import SegmentOverlap, overlap_of_rules
from segments.views import builder_drafts

NEW: dict[str, Any] = {"join": "and", "rules": [{}]}
FIRST_MEMBERS = 5
MAX_SUGGESTIONS = 20


def add(request: Request) -> HttpResponse:
    """Create a segment."""
    check_can_manage_segments(request.user)
    return _pane(request, None)


def edit(request: Request, pk: int) -> HttpResponse:
    """Edit a segment."""
    check_can_manage_segments(request.user)
    return _pane(request, get_object_or_404(Segment, pk=pk))


@require_safe
def suggestions(request: Request) -> HttpResponse:
    """Show the values of a text attribute that contain what is typed into the field of the condition ``?row=``.
    Users who see masked data get none: values of an attribute may be personal data."""
    check_can_manage_segments(request.user)
    text = request.GET.get(f"value-{request.GET.get('row', '')}", "").replace("\0", "").strip()
    found = (
        values.find_values(request.GET.get("attribute", ""), text, limit=MAX_SUGGESTIONS)
        if text and user_can_see_personal_data(request.user)
        else []
    )
    return render(request, "segments/rule_suggestions.html", {"suggestions": found})


def _pane(request: Request, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        return _open(request, segment)
    tree = posted_rules.from_post(request.POST, catalog.types_by_name())
    described = request.POST.get("describe", "")
    action = request.POST.get("act", "") or ("describe" if described else "")
    if action == "describe" and request.htmx:
        if described == "typed":
            builder_drafts.keep(request, segment, tree)
        return _describe(request, segment, tree, described)
    if action == "restore":
        tree = posted_rules.from_json(request.POST.get("rules_before", "")) or tree
    if action:
        form = SegmentForm(initial=request.POST.dict(), segment=segment)  # as typed: the user has not saved
        counted = _counted(request, segment, tree) if action == "count" else {}
        moved = rearrange.move(tree, action)
        changed = tree if moved else posted_rules.apply_action(tree, action)
        if not builder_drafts.discard(request, action) and action != "count":
            builder_drafts.keep(request, segment, changed)
        return _render_builder(request, segment, form, changed, more=counted | _said(changed, moved))
    form = SegmentForm(request.POST, segment=segment)
    return _save(request, segment, form, posted_rules.without_empty_groups(tree))


def _said(tree: Tree, moved: str | None) -> dict[str, str]:
    """Return where a rule was moved to, for the focus and for screen readers."""
    if moved is None:
        return {}
    outer, _dot, number = moved.rpartition(".")
    words = {"place": int(number) + 1, "of": rules_tree.size_of_group(tree, outer)}
    sentence = (
        _("Moved to position %(place)d of %(of)d in a nested group.")
        if outer
        else _("Moved to position %(place)d of %(of)d.")
    )
    return {"moved_to": moved.replace(".", "-"), "moved_words": sentence % words}


def _open(request: Request, segment: Segment | None) -> HttpResponse:
    """Show the rules of a segment, or those of the draft ``?draft=``."""
    form = SegmentForm(initial=_initial(segment) if segment else {})
    rules = segment.rules if segment else NEW
    if draft := builder_drafts.opened(request, segment):
        rules = draft.rules
        if segment:  # so that a change that another user saved since is not overwritten unseen
            segment.version = draft.base_version
    return _render_builder(request, segment, form, rules)


def _describe(request: Request, segment: Segment | None, tree: Tree, described: str) -> HttpResponse:
    """Answer htmx with the summary of the rules, or with the segments that their members overlap."""
    if described == "overlap":
        return render(request, "segments/rules_overlap.html", {"overlaps": _overlaps(segment, tree)})
    return render(request, "segments/rules_summary.html", _summary(request, segment, tree))


def _counted(request: Request, segment: Segment | None, tree: Tree) -> dict[str, Any]:
    """Return all that the summary says, for a page without scripts."""
    return _summary(request, segment, tree, asked=True) | {"overlaps": _overlaps(segment, tree)}


def _overlaps(segment: Segment | None, tree: Tree) -> list[SegmentOverlap]:
    pk = segment.pk if segment else None
    return overlap_of_rules(rules_tree.complete_part(tree, segment_rules.problems(tree, pk)), pk)


def _initial(segment: Segment) -> dict[str, str]:
    return {"name": segment.name, "description": segment.description, "tags": ", ".join(segment.tags)}


def _save(request: Request, segment: Segment | None, form: SegmentForm, tree: dict[str, Any]) -> HttpResponse:
    problems = segment_rules.problems(tree, segment.pk if segment else None)
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
    builder_drafts.discard_own(request)
    message = _("The segment “{name}” is saved.").format(name=name)
    return close_pane(request, reverse("segments:detail", args=[segment.pk]), message, may_stay_home=True)


def _summary(request: Request, segment: Segment | None, tree: Tree, *, asked: bool = False) -> dict[str, Any]:
    """Describe rules, and count their members and those of each condition and group. Conditions that are not
    complete have no effect, and no count; their problems are named when the user ``asked`` for the count, and not
    while the user types."""
    problems = segment_rules.problems(tree, segment.pk if segment else None)
    counted = matching.count_rules(rules_tree.complete_part(tree, problems), first=FIRST_MEMBERS)
    attributes = profiles.summary_attributes(catalog.attributes())
    return {
        "sentence": segment_rules.describe(tree),
        "address": request.get_full_path(),
        "kept_rules": json.dumps(tree),
        "is_live": True,
        "count": counted.total,
        "is_everyone": not counted.by_path,
        "count_words": number(counted.total),
        "first_problem": next((each.message for each in problems if asked or not each.path), ""),
        "is_incomplete": any(each.path for each in problems),
        "part_counts": [
            ("-".join(map(str, path)), number(counted.by_path[path]) if path in counted.by_path else "")
            for path in rules_tree.paths(tree)
        ],
        "first_members": profiles.profile_rows(counted.first, attributes, request.user),
        "first_attributes": attributes,
    }


def _render_builder(
    request: Request,
    segment: Segment | None,
    form: SegmentForm,
    tree: Any,
    *,
    problems: list[Problem] | None = None,
    status: int = 200,
    stale: StaleEdit | None = None,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    attributes = catalog.attributes()
    offered = editor.EditorData(attributes, _other_segments(segment), values.value_counts)
    context = {
        "segment": segment,
        "form": form,
        "editor": editor.build_editor(tree, offered, problems or ()),
        "has_attributes": bool(attributes),
        "sentence": segment_rules.describe(tree),
        "kept_rules": json.dumps(tree),
        "address": request.get_full_path(),
        "stale": stale,
        **builder_drafts.context(request, segment),
        "pane_wide": True,
        "active_nav": "segments",
        **(more or {}),
    }
    if request.htmx and request.htmx.target == "rules":
        return render(request, "segments/rules.html", context)
    if segment is not None:
        context["usages"] = hooks.segment_users.usages(segment.pk)
    back = reverse("segments:detail", args=[segment.pk]) if segment else reverse("segments:list")
    return render_pane(request, "segments/builder.html", context, status, back=back)


def _other_segments(segment: Segment | None) -> list[tuple[int, str]]:
    """Return the segments that rules may refer to."""
    others = Segment.objects.exclude(pk=segment.pk) if segment else Segment.objects.all()
    return list(others.order_by(Lower("name")).values_list("pk", "name"))
