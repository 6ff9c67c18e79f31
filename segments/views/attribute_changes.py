"""Change the type of an attribute, and merge it into another one, each with a preview in a pane; show the job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import OPEN
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from segments import catalog
from segments.attribute_changes import actions, merge, retype
from segments.attribute_changes.checks import check_merge, check_type
from segments.attribute_changes.conversion import NO_SOURCE
from segments.attribute_changes.frame import ChangeRefused
from segments.attribute_changes.guesses import guess_plans
from segments.attribute_changes.retype import Sample
from segments.attribute_forms import SourceForm, TargetForm, TypeForm, digest, plans_from, source_forms
from segments.models import AttributeChange, AttributeType, DataSource, ProfileAttribute
from segments.permissions import check_can_manage_data_sources, user_can_see_personal_data
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.misfits import shape
from segments.views.attribute_status import attribute_change_context
from segments.views.attributes import MAY_NAME_PERSONS, value_text

_TYPES = frozenset(AttributeType.values)
_Preview = retype.ConversionPreview | merge.MergePreview


@dataclass(frozen=True)
class _Seen:
    """What a user saw in the pane when they posted it: the version of the attributes, the plans, the misfits."""

    columns: str
    plans: str
    misfits: int

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "_Seen":
        misfits = data.get("misfits", "")
        known = int(misfits) if misfits.isascii() and misfits.isdigit() and len(misfits) < 16 else 0
        return cls(data.get("columns", ""), data.get("plans", ""), known)


@dataclass
class _Conversion:
    """The forms of the formats in a pane, and the plans that they give; ``plans`` is empty while one is not
    valid."""

    forms: Sequence[SourceForm]
    plans: dict[str, ColumnPlan]

    @classmethod
    def of(cls, attribute: ProfileAttribute, kind: ColumnType, posted: Mapping[str, str] | None) -> "_Conversion":
        """Return the conversion of an attribute to a type, from what was posted or guessed."""
        before = retype.present_plans(attribute)
        proposed = guess_plans(catalog.attribute_of(attribute), before, kind)
        names = {str(pk): name for pk, name in DataSource.objects.values_list("pk", "name")}
        given = source_forms(proposed, names, posted)
        if posted is None:
            return cls(given, {NO_SOURCE: next(iter(proposed.values())), **proposed})
        wrong = [form for form in given if not form.is_valid()]
        return cls(given, {} if wrong else plans_from(given, proposed))


@require_permission(Permission.SEGMENT_VIEW)
@require_http_methods(["GET", "POST"])
def change_type(request: Request, pk: int) -> HttpResponse:
    """Choose a type and formats with a preview; by POST preview again, or queue the change. 409 when something
    cannot use the type."""
    check_can_manage_data_sources(request.user)
    attribute = get_object_or_404(ProfileAttribute, pk=pk)
    chosen = (request.POST or request.GET).get("type", "")
    if chosen not in _TYPES:
        return _render_retype(request, attribute, attribute.data_type)
    is_posted = request.method == "POST" and request.POST.get("shown") == chosen
    conversion = _Conversion.of(attribute, ColumnType(chosen), request.POST if is_posted else None)
    if not conversion.plans:
        return _render_retype(request, attribute, chosen, conversion, status=422)
    try:
        check_type(attribute, AttributeType(chosen))
        if is_posted and request.POST.get("act") != "preview":
            seen = _Seen.of(request.POST)
            if seen.plans == digest(conversion.plans):
                _check_version(seen, attribute)
                actions.request_retype(attribute, conversion.plans, accepted_misfits=seen.misfits, by=request.user)
                message = _("The type of “{name}” is being changed.").format(name=attribute.name)
                return close_pane(request, reverse("segments:attributes"), message)
    except ChangeRefused as refusal:
        return _render_retype(request, attribute, chosen, conversion, status=409, refusal=refusal)
    seen_now = retype.preview(retype.conversion_to(attribute, conversion.plans))
    return _render_retype(request, attribute, chosen, conversion, preview=seen_now)


@require_permission(Permission.SEGMENT_VIEW)
@require_http_methods(["GET", "POST"])
def merge_into(request: Request, pk: int) -> HttpResponse:
    """Choose the attribute to merge another one into, with a preview; by POST preview again, or queue the merge.
    409 when they cannot be merged."""
    check_can_manage_data_sources(request.user)
    merged = get_object_or_404(ProfileAttribute, pk=pk)
    chosen = (request.POST or request.GET).get("into", "")
    others = ProfileAttribute.objects.exclude(pk=pk)
    target = others.filter(pk=int(chosen)).first() if chosen.isascii() and chosen.isdigit() else None
    if target is None:
        return _render_merge(request, merged, None)
    is_posted = request.method == "POST" and request.POST.get("shown") == chosen
    conversion = _merge_conversion(merged, target, request.POST if is_posted else None)
    if not conversion.plans:
        return _render_merge(request, merged, target, conversion, status=422)
    try:
        check_merge(merged, target)
        if is_posted and request.POST.get("act") != "preview":
            seen = _Seen.of(request.POST)
            if seen.plans == digest(conversion.plans):
                _check_version(seen, merged, target)
                plans = conversion.plans
                actions.request_merge(merged, target, plans, accepted_misfits=seen.misfits, by=request.user)
                message = _("“{name}” is being merged into “{other}”.")
                message = message.format(name=merged.name, other=target.name)
                return close_pane(request, reverse("segments:attributes"), message)
    except ChangeRefused as refusal:
        return _render_merge(request, merged, target, conversion, status=409, refusal=refusal)
    seen_now = merge.preview(merged, target, conversion.plans)
    return _render_merge(request, merged, target, conversion, preview=seen_now)


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def change_status(request: Request) -> HttpResponse:
    """Show the change of an attribute that is open, for polling."""
    context = attribute_change_context(request.user, was_open=True)
    return render(request, "segments/attribute_status.html", context)


@require_permission(Permission.SEGMENT_VIEW)
@require_POST
def cancel_change(request: Request) -> HttpResponse:
    """Cancel the posted change, if it is open."""
    check_can_manage_data_sources(request.user)
    posted = request.POST.get("change", "")
    pk = int(posted) if posted.isascii() and posted.isdigit() and len(posted) < 16 else 0
    if change := AttributeChange.objects.filter(pk=pk, status__in=OPEN).first():
        actions.cancel_change(change, by=request.user)
    return close_pane(request, reverse("segments:attributes"), _("The change is being canceled."))


def _merge_conversion(
    merged: ProfileAttribute, target: ProfileAttribute, posted: Mapping[str, str] | None
) -> _Conversion:
    """Return the conversion of a merge; without forms when the types are the same."""
    kind = ColumnType(target.data_type)
    if merged.data_type == target.data_type:
        return _Conversion([], {NO_SOURCE: ColumnPlan(merged.name, type=kind)})
    return _Conversion.of(merged, kind, posted)


def _version(*attributes: ProfileAttribute) -> str:
    """Return a text that differs after a change of one of these attributes."""
    return " ".join(f"{each.pk}:{catalog.attribute_of(each).number}:{each.name}" for each in attributes)


def _check_version(seen: _Seen, *attributes: ProfileAttribute) -> None:
    if seen.columns != _version(*attributes):
        raise ChangeRefused(_("Another user has changed the attribute. Nothing was changed. Preview it again."))


def _render_retype(
    request: Request,
    attribute: ProfileAttribute,
    chosen: str,
    conversion: _Conversion | None = None,
    **given: Any,
) -> HttpResponse:
    choice = TypeForm(initial={"type": chosen})
    choice.fields["type"].widget.attrs |= {"data-focus": True, **_chooses(request)}
    types = {attribute.data_type, chosen}
    context = {
        "attribute": attribute,
        "choice": choice["type"],
        "shown": chosen,
        "columns": _version(attribute),
        "pane_save": _("Change type"),
    }
    return _render(request, "segments/retype_attribute.html", context, types, conversion, **given)


def _render_merge(
    request: Request,
    merged: ProfileAttribute,
    target: ProfileAttribute | None,
    conversion: _Conversion | None = None,
    **given: Any,
) -> HttpResponse:
    others = ProfileAttribute.objects.exclude(pk=merged.pk).order_by(Lower("name"))
    choices = {each.pk: f"{each.name} ({each.get_data_type_display()})" for each in others}
    choice = TargetForm(choices=choices, initial={"into": target.pk if target else ""})
    choice.fields["into"].widget.attrs |= {"data-focus": True, **_chooses(request)}
    context = {
        "attribute": merged,
        "target": target,
        "choice": choice["into"],
        "shown": target.pk if target else "",
        "columns": _version(merged, target) if target else "",
        "pane_save": _("Merge"),
    }
    types = {merged.data_type, target.data_type if target else ""}
    return _render(request, "segments/merge_attribute.html", context, types, conversion, **given)


def _render(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    types: set[str],
    conversion: _Conversion | None,
    *,
    status: int = 200,
    preview: _Preview | None = None,
    refusal: ChangeRefused | None = None,
) -> HttpResponse:
    context = {
        **context,
        "spelling_forms": conversion.forms if conversion else (),
        "plans": digest(conversion.plans) if conversion and conversion.plans else "",
        "preview": _masked(preview, types, request.user) if preview else None,
        "misfits": str(preview.counts.misfits if preview else 0),
        "refusal": str(refusal or ""),
        "usages": refusal.usages if refusal else (),
        "pane_wide": True,
        "active_nav": "attributes",
    }
    return render_pane(request, template, context, status, back=reverse("segments:attributes"))


def _chooses(request: Request) -> dict[str, str]:
    """Return the attributes of a list of choices that loads the pane again."""
    return {"hx-get": request.path, "hx-trigger": "change", "hx-target": "#pane", "hx-include": "this"}


def _masked(preview: _Preview, types: set[str], user: User) -> _Preview:
    """Return a preview with values as texts; without those that may name a person for users who see masked
    data."""
    may_see = user_can_see_personal_data(user)
    is_shown = may_see or types.isdisjoint(MAY_NAME_PERSONS)
    misfits = preview.misfits if may_see else list(dict.fromkeys(map(shape, preview.misfits)))
    if isinstance(preview, retype.ConversionPreview):
        return replace(preview, misfits=misfits, samples=_written(preview.samples, is_shown))
    return replace(
        preview,
        misfits=misfits,
        gained=_written(preview.gained, is_shown),
        different=_written(preview.different, is_shown),
    )


def _written(samples: Sequence[Sample], is_shown: bool) -> list[Sample]:
    return [Sample(each.text, value_text(each.value)) for each in samples] if is_shown else []
