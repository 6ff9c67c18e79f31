"""Change segments by commands of the list and the page: refresh, schedule, activate, duplicate, remove, use in
exports."""

from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.schedules.pane import Subject, came_from_its_page, schedule_pane
from config.platform.web.htmx import Request
from config.platform.web.lists import selected_ids
from config.platform.web.panes import close_pane, render_dialog
from segments import actions, hooks
from segments import refresh as refresh_schedule
from segments.bulk_actions import BulkResult, RefusedSegment
from segments.models import Segment
from segments.permissions import check_can_choose_exclusion, check_can_manage_segments
from segments.views.selection import close_bulk, selected_segments


@require_POST
def refresh(request: Request) -> HttpResponse:
    """Queue a refresh of the ``selected`` segments, or of ``all``. Of those that are selected, inactive and static
    ones are named with the reason that they are not refreshed."""
    check_can_manage_segments(request.user)
    refused: list[RefusedSegment] = []
    if "all" in request.GET:
        static = Segment.objects.filter(is_static=True, refreshed_at__isnull=False)
        segments = list(Segment.objects.exclude(pk__in=static))
    else:
        selected = Segment.objects.filter(pk__in=selected_ids(request)).order_by("name")
        reasons = [(segment, refresh_schedule.skip_reason(segment)) for segment in selected]
        segments = [segment for segment, reason in reasons if not reason]
        refused = [RefusedSegment(segment, reason) for segment, reason in reasons if reason]
    for segment in segments:
        actions.request_refresh(segment, by=request.user)
    message = ngettext("{n} segment is being refreshed.", "{n} segments are being refreshed.", len(segments))
    back = _list_or_page(request, segments or [each.segment for each in refused])
    return close_bulk(request, BulkResult(segments, refused), message, to=back)


def _change_selected(
    action: Callable[..., None], message: Callable[[int], str], *, applies: Callable[[Segment], bool]
) -> Callable[[Request], HttpResponse]:
    """Return a view that applies ``action`` to all selected segments that it applies to, or to none of them."""

    @require_POST
    def view(request: Request) -> HttpResponse:
        check_can_manage_segments(request.user)
        segments = selected_segments(request)
        changed = [segment for segment in segments if applies(segment)]
        with transaction.atomic():
            for segment in changed:
                action(segment, by=request.user)
        back = _list_or_page(request, segments)
        return close_bulk(request, BulkResult(changed), message(len(changed)), to=back)

    return view


activate = _change_selected(
    actions.activate_segment,
    lambda n: ngettext(
        "{n} segment is active and is being refreshed.", "{n} segments are active and are being refreshed.", n
    ),
    applies=lambda segment: not segment.is_active,
)
deactivate = _change_selected(
    actions.deactivate_segment,
    lambda n: ngettext("{n} segment is now inactive.", "{n} segments are now inactive.", n),
    applies=lambda segment: segment.is_active,
)
make_static = _change_selected(
    actions.make_static,
    lambda n: ngettext("{n} segment is now static.", "{n} segments are now static.", n),
    applies=lambda segment: not segment.is_static,
)
make_dynamic = _change_selected(
    actions.make_dynamic,
    lambda n: ngettext("{n} segment is now dynamic.", "{n} segments are now dynamic.", n),
    applies=lambda segment: segment.is_static,
)


@require_http_methods(["GET", "POST"])
def schedule(request: Request) -> HttpResponse:
    """Show and save the Schedule pane of the ``selected`` segments."""
    check_can_manage_segments(request.user)
    subjects = [
        Subject(
            segment.pk,
            segment.name,
            refresh_schedule.schedule_of(segment),
            partial(refresh_schedule.set_schedule, segment, by=request.user),
        )
        for segment in selected_segments(request)
    ]
    back = reverse("segments:list")
    if came_from_its_page(request, subjects):
        back = reverse("segments:detail", args=[subjects[0].key])
    return schedule_pane(request, subjects, back=back, active_nav="segments")


@require_POST
def duplicate(request: Request, pk: int) -> HttpResponse:
    """Create a copy of a segment and go to its page."""
    check_can_manage_segments(request.user)
    copy = actions.duplicate_segment(get_object_or_404(Segment, pk=pk), by=request.user)
    message = _("“{name}” is created and being refreshed.").format(name=copy.name)
    return close_pane(request, reverse("segments:detail", args=[copy.pk]), message)


def remove(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, and by POST remove a segment; 409 while exports or other segments use it."""
    check_can_manage_segments(request.user)
    segment = get_object_or_404(Segment, pk=pk)
    usages, status = actions.usages_of(segment), 200
    refusal = str(actions.IsExclusion()) if segment.is_exclusion else ""
    if request.method == "POST":
        try:
            actions.remove_segment(segment, by=request.user)
        except actions.SegmentInUse as in_use:
            usages, status = in_use.usages, 409
        except actions.IsExclusion as refused:
            refusal, status = str(refused), 409
        else:
            message = _("The segment “{name}” is removed.").format(name=segment.name)
            return close_pane(request, reverse("segments:list"), message)
    context = {
        "segment": segment,
        "usages": usages,
        "refusal": refusal,
        "title": _("Remove “{name}”?").format(name=segment.name),
        "sentence": _("The customers stay. Only the segment and its rules are removed."),
        "confirm_label": _("Remove"),
        "danger": True,
    }
    back = reverse("segments:detail", args=[pk])
    return render_dialog(request, context, "segments/remove.html", status, back=back)


@require_http_methods(["GET", "POST"])
def exclude(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, and by POST make the segment the one whose members no export sends."""
    check_can_choose_exclusion(request.user)
    segment, refusal, status = get_object_or_404(Segment, pk=pk), "", 200
    if request.method == "POST":
        try:
            actions.use_as_exclusion(segment, by=request.user)
        except actions.NotRefreshed as refused:
            refusal, status = str(refused), 409
        else:
            message = _("Exports no longer send the members of “{name}”.").format(name=segment.name)
            return close_pane(request, reverse("segments:detail", args=[pk]), message)
    present = Segment.objects.filter(is_exclusion=True).exclude(pk=pk).first()
    context = {
        "title": _("Use “{name}” as exclusion segment?").format(name=segment.name),
        "present": present,
        "count": segment.member_count,
        "refusal": refusal,
        "confirm_label": _("Use as exclusion segment"),
    }
    back = reverse("segments:detail", args=[pk])
    return render_dialog(request, context, "segments/exclude.html", status, back=back)


@require_http_methods(["GET", "POST"])
def stop_excluding(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, and by POST let exports send the members of the exclusion segment again."""
    check_can_choose_exclusion(request.user)
    segment = get_object_or_404(Segment, pk=pk)
    if request.method == "POST":
        actions.stop_exclusion(segment, by=request.user)
        message = _("“{name}” is no longer the exclusion segment.").format(name=segment.name)
        return close_pane(request, reverse("segments:detail", args=[pk]), message)
    context = {
        "title": _("Stop using “{name}” as exclusion segment?").format(name=segment.name),
        "sentence": _("The next run of each export that includes its members sends them again."),
        "confirm_label": _("Stop excluding"),
        "danger": True,
    }
    back = reverse("segments:detail", args=[pk])
    return render_dialog(request, context, "segments/exclude.html", back=back)


@require_http_methods(["GET", "POST"])
def manage(request: Request, pk: int) -> HttpResponse:
    """Choose the exports that use a segment. By POST only what differs from the dialog as it was shown is changed,
    so that changes that others made meanwhile stay."""
    check_can_manage_segments(request.user)
    segment = get_object_or_404(Segment, pk=pk)
    chosen: set[str] | None = None
    refusal, status, back = "", 200, reverse("segments:detail", args=[pk])
    if request.method == "POST":
        shown, chosen = set(request.POST.getlist("used_before")), set(request.POST.getlist("used"))
        try:
            hooks.segment_users.change_usage(pk, start=chosen - shown, stop=shown - chosen, by=request.user)
        except hooks.CannotChangeUsage as error:
            refusal, status = str(error), 409
        else:
            return close_pane(request, back, _("The exports of “{name}” are saved.").format(name=segment.name))
    choices = hooks.segment_users.choices(pk, request.user)
    context = {
        "segment": segment,
        "choices": [(each, each.is_used if chosen is None else each.key in chosen) for each in choices],
        "add_url": hooks.segment_users.add_url(pk, request.user),
        "refusal": refusal,
        "title": _("Exports of “{name}”").format(name=segment.name),
        "sentence": _("Selected exports include this segment from the next run."),
        "confirm_label": _("Save"),
        "active_nav": "segments",
    }
    return render_dialog(request, context, "segments/manage.html", status, back=back)


def _list_or_page(request: Request, segments: list[Segment]) -> str:
    """Return the address of the page that a command was sent from: a segment's own, or the list."""
    if segments and request.POST.get("back") == "detail":
        return reverse("segments:detail", args=[segments[0].pk])
    return reverse("segments:list")
