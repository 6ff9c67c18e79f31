"""Show, refresh and remove data sources."""

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, selected_ids
from config.platform.web.panes import close_pane, refused, render_dialog
from segments.models import DataSource, ImportJob
from segments.permissions import check_can_manage_data_sources, user_can_manage_data_sources
from segments.sources import actions
from segments.sources import actions as source_actions

COLUMNS = [
    Column("name", gettext_lazy("Name"), order_by=(Lower("name"),)),
    Column("status", gettext_lazy("Status"), order_by=("last_status", Lower("name"))),
    Column("rows", gettext_lazy("Customers"), order_by=("profile_count",), kind="number"),
    Column("refused", gettext_lazy("Rejected rows"), order_by=("last_refused",), kind="number"),
    Column("key", gettext_lazy("Key column"), order_by=(Lower("key_column"),)),
    Column("refreshed", gettext_lazy("Refreshed"), order_by=("refreshed_at",)),
]


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def data_sources(request: Request) -> HttpResponse:
    """Show the list of data sources with their last import."""
    imports = ImportJob.objects.filter(source=OuterRef("pk")).order_by("-id")
    sources = DataSource.objects.annotate(
        last_import=Subquery(imports.values("pk")[:1]),
        last_status=Subquery(imports.values("status")[:1]),
        last_refused=Coalesce(Subquery(imports.values("rows_refused")[:1]), 0),
    )
    page = list_page(request, sources, columns=COLUMNS, search=("name", "key_column"), default="name")
    context = {
        "list": page,
        "rows": [(source, _status_label(source)) for source in page.rows],
        "can_manage": user_can_manage_data_sources(request.user),
        "active_nav": "data_sources",
    }
    return render(request, "segments/data_sources.html", context)


@require_POST
def refresh(request: Request) -> HttpResponse:
    """Queue imports of the files of the ``selected`` sources."""
    check_can_manage_data_sources(request.user)
    sources = list(DataSource.objects.filter(pk__in=selected_ids(request)))
    try:
        for source in sources:
            actions.refresh_data_source(source, by=request.user)
    except actions.SourceHasNoFile as refusal:
        return refused(str(refusal))
    message = ngettext(
        "{n} data source is being refreshed.", "{n} data sources are being refreshed.", len(sources)
    )
    return close_pane(request, reverse("segments:data_sources"), message.format(n=len(sources)))


@require_http_methods(["GET", "POST"])
def remove(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation with the losses of segments, and by POST remove a data source; 409 during an import."""
    check_can_manage_data_sources(request.user)
    source = get_object_or_404(DataSource, pk=pk)
    back, status = reverse("segments:data_sources"), 200
    if request.method == "POST":
        try:
            count = source_actions.remove_data_source(source, by=request.user)
        except source_actions.ImportInProgress:
            status = 409
        else:
            message = ngettext(
                "The data source “{name}” and {n} customer are removed.",
                "The data source “{name}” and {n} customers are removed.",
                count,
            )
            return close_pane(request, back, message.format(name=source.name, n=count))
    open_import = source_actions.open_import(source)
    context = {
        "source": source,
        "open_import": open_import,
        "refusal": str(source_actions.ImportInProgress(open_import)) if open_import else "",
        "losses": [] if open_import else source_actions.losses(source),
        "title": _("Remove “{name}”?").format(name=source.name),
        "confirm_label": _("Remove"),
        "danger": True,
    }
    return render_dialog(request, context, "segments/remove_source.html", status, back=back)


def _status_label(source: DataSource) -> object:
    status = getattr(source, "last_status", None)
    return JobStatus(status).label if status else ""
