"""Change several segments by commands of the list: tags, removal, and the download of their members."""

from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.tags.forms import TagsForm
from config.platform.web.htmx import Request
from config.platform.web.panes import render_dialog
from segments import bulk_actions
from segments.member_archive import members_zip
from segments.permissions import check_can_manage_segments
from segments.views.selection import close_bulk, selected_segments


@require_http_methods(["GET", "POST"])
def tag(request: Request) -> HttpResponse:
    """Add tags to the ``selected`` segments, and remove tags that they have."""
    check_can_manage_segments(request.user)
    segments, status = selected_segments(request), 200
    form = TagsForm(request.POST if request.method == "POST" else None, rows=segments)
    if request.method == "POST":
        if form.is_valid():
            add, remove = form.cleaned_data["add"], form.cleaned_data["remove"]
            result = bulk_actions.change_tags(segments, add=add, remove=remove, by=request.user)
            message = ngettext(
                "The tags of {n} segment are changed.",
                "The tags of {n} segments are changed.",
                len(result.changed),
            )
            return close_bulk(request, result, message)
        status = 422
    title = ngettext("Tags of “{name}”", "Tags of {n} segments", len(segments))
    context = {
        "title": title.format(n=len(segments), name=segments[0].name),
        "names": [each.name for each in segments] if len(segments) > 1 else [],
        "form": form,
        "selected": [each.pk for each in segments],
        "confirm_label": _("Save"),
    }
    return render_dialog(request, context, "components/tags_dialog.html", status, back=reverse("segments:list"))


@require_http_methods(["GET", "POST"])
def remove_selected(request: Request) -> HttpResponse:
    """Show which of the ``selected`` segments can be removed and what uses the others, and by POST remove them."""
    check_can_manage_segments(request.user)
    segments = selected_segments(request)
    if request.method == "POST":
        result = bulk_actions.remove_segments(segments, by=request.user)
        message = ngettext("{n} segment is removed.", "{n} segments are removed.", len(result.changed))
        return close_bulk(request, result, message)
    planned = bulk_actions.plan_removal(segments)
    count = len(planned.changed)
    title = ngettext("Remove {n} segment?", "Remove {n} segments?", count) if count else _("Segments in use")
    context = {
        "title": title.format(n=count),
        "removable": sorted(planned.changed, key=lambda each: each.name.casefold()),
        "refused": planned.refused,
        "selected": [each.pk for each in segments],
        "hides_confirm": not count,
        "confirm_label": ngettext("Remove {n} segment", "Remove {n} segments", count).format(n=count),
        "danger": True,
    }
    return render_dialog(request, context, "segments/remove_selected.html", back=reverse("segments:list"))


@require_permission(Permission.SEGMENT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_safe
def download_selected(request: Request) -> StreamingHttpResponse:
    """Download the members of the ``selected`` segments as a ZIP archive of CSV files, and record a download of
    each segment."""
    segments = selected_segments(request)
    with transaction.atomic():
        for segment in segments:
            record("downloaded", segment, by=request.user, changes={"members": (None, segment.member_count)})
    headers = {"Content-Disposition": 'attachment; filename="segments.zip"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(members_zip(segments), content_type="application/zip", headers=headers)
