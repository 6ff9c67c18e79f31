"""Show what comes back from the list of an export: how, who is suppressed there, and who differs."""

from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, search_in
from exports.actions import list_comparison
from exports.models import DriftKind, SubscriberStatus
from exports.permissions import user_can_manage
from exports.reporting import list_report, messages
from exports.reporting.list_report import ON_SUPPRESSION_LIST, SUPPRESSED, ListReport
from exports.views.access import find_export, find_managed_export
from exports.views.confirm import Confirmation, confirm

_COLUMNS = (
    Column("email", gettext_lazy("Email"), order_by=("email",)),
    Column("status", gettext_lazy("Status on the list"), order_by=("code", "email")),
    # By these nothing is sorted: a list may suppress millions of contacts, and no index has them in that order.
    Column("since", gettext_lazy("Since, by the list")),
    Column("known", gettext_lazy("Known since")),
    Column("source", gettext_lazy("Known by")),
)
_IMPORTED_COLUMNS = (
    Column("email", gettext_lazy("Email"), order_by=("email",)),
    Column("status", gettext_lazy("Status on the list")),
    Column("known", gettext_lazy("Known since")),
)
_DRIFT_COLUMNS = (
    Column("email", gettext_lazy("Email"), order_by=("email",)),
    Column("status", gettext_lazy("Status on the list"), order_by=("code", "email")),
)


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def contacts(request: Request, export_id: int) -> HttpResponse:
    """List the contacts of one group (``?kind=``), a page at a time."""
    export = find_export(export_id)
    report = ListReport(export)
    kind, code = _kind(request), request.GET.get("code", "")
    groups = report.groups()
    sees_data = request.user.may(Permission.PERSONAL_DATA_SEE)
    page = list_page(
        request,
        _chosen(report, kind, code),
        columns={SUPPRESSED: _COLUMNS, ON_SUPPRESSION_LIST: _IMPORTED_COLUMNS}.get(kind, _DRIFT_COLUMNS),
        # Users who see masked addresses must not find out by a search which ones exist.
        search=("email",) if sees_data else (),
        default="email",
        selectable=False,
        tabs=("kind",),
    )
    reasons = messages.reasons_of_codes(export.pk)
    context = {
        "export": export,
        "report": report,
        "groups": groups,
        "group": next(each for each in groups if each.kind == kind),
        "statuses": report.statuses if kind == SUPPRESSED else [],
        "kind": kind,
        "code": code,
        "list": page,
        "rows": [(row, reasons.get(row.code, "")) for row in page.rows],
        "sees_data": sees_data,
        "may_manage": user_can_manage(request.user, export),
        "query": request.GET.urlencode(),
        "active_nav": "exports",
    }
    return render(request, "exports/list_state.html", context)


@require_permission(Permission.EXPORT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_safe
def download(request: Request, export_id: int) -> StreamingHttpResponse:
    """What the page's filters let through, as CSV. That it was taken is recorded."""
    export = find_export(export_id)
    kind, code = _kind(request), request.GET.get("code", "")
    found = search_in(request, _chosen(ListReport(export), kind, code), ("email",)).order_by("email")
    asked = {"kind": kind} | ({"code": code} if code else {}) | ({"q": "…"} if request.GET.get("q") else {})
    record("downloaded", export, by=request.user, changes={"people": (None, asked)})
    headers = {"Content-Disposition": f'attachment; filename="list-{kind}.csv"'}
    return StreamingHttpResponse(
        list_report.write_csv(found), content_type="text/csv; charset=utf-8", headers=headers
    )


@require_permission(Permission.EXPORT_VIEW)
@require_POST
def compare(request: Request, export_id: int) -> HttpResponse:
    """Let the list be compared with its list state now."""
    export = find_managed_export(request, export_id)
    list_comparison.start(export, by=request.user)
    return redirect("exports:list_state", export_id=export.pk)


@require_http_methods(["GET", "POST"])
def repair(request: Request, export_id: int) -> HttpResponse:
    """Confirm that the contacts that differ are sent again; the preview of the run follows."""
    export = find_managed_export(request, export_id)

    def act() -> tuple[str, str]:
        list_comparison.repair(export, by=request.user)
        return reverse("exports:preview", args=[export.pk]), ""

    asked = Confirmation(
        title=_("Send contacts again that differ?"),
        sentence=_(
            "The next run of each export to this list sends its contacts again that are not on the list, or whose "
            "data was changed there. Their data on the list is overwritten. You see a preview first."
        ),
        confirm_label=_("Show preview"),
        act=act,
        back=reverse("exports:list_state", args=[export.pk]),
    )
    return confirm(request, asked)


def _kind(request: Request) -> str:
    kind = request.GET.get("kind", SUPPRESSED)
    if kind not in (SUPPRESSED, ON_SUPPRESSION_LIST) and kind not in DriftKind.values:
        raise Http404
    return kind


def _chosen(report: ListReport, kind: str, code: str) -> Any:
    if report.state is None:
        return SubscriberStatus.objects.none()
    if kind == ON_SUPPRESSION_LIST:
        return report.imported()
    return report.suppressed(code) if kind == SUPPRESSED else report.drift(DriftKind(kind))
