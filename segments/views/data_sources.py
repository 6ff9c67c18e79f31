"""Data > Data sources: where profiles come from, and how the last import went."""

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane, refused
from segments import actions
from segments.models import DataSource, ImportJob
from segments.permissions import check_can_manage_data_sources, user_can_manage_data_sources

COLUMNS = [
    Column("name", _("Name"), order_by=(Lower("name"),)),
    Column("status", _("Status"), order_by=("last_status", Lower("name"))),
    Column("rows", _("Customers"), order_by=("profile_count",), kind="number"),
    Column("refused", _("Refused rows"), order_by=("last_refused",), kind="number"),
    Column("key", _("Key column"), order_by=(Lower("key_column"),)),
    Column("refreshed", _("Refreshed"), order_by=("refreshed_at",)),
]


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def data_sources(request: Request) -> HttpResponse:
    """The list; each row leads to its last import."""
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
    """Read the files of the ``selected`` sources anew."""
    check_can_manage_data_sources(request.user)
    ids = [int(pk) for pk in request.POST.getlist("selected") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    sources = list(DataSource.objects.filter(pk__in=ids))
    try:
        for source in sources:
            actions.refresh_data_source(source, by=request.user)
    except actions.CannotBeReadAgain as refusal:
        return refused(str(refusal))
    told = ngettext("{n} data source is being read.", "{n} data sources are being read.", len(sources))
    return close_pane(request, reverse("segments:data_sources"), told.format(n=len(sources)))


def _status_label(source: DataSource) -> object:
    status = getattr(source, "last_status", None)
    return JobStatus(status).label if status else ""
