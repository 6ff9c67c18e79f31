"""Show the campaigns that were sent to the list of an export, with their results."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from exports.feedback import campaigns as feedback
from exports.models import Campaign, CampaignReading, Export
from exports.views.access import find_export

_COLUMNS = (
    Column("name", gettext_lazy("Campaign"), order_by=("name", "pk")),
    Column("sent", gettext_lazy("Sent, by the list"), order_by=("sent_at", "pk")),
    Column("recipients", gettext_lazy("Recipients"), order_by=("recipients", "pk"), kind="number"),
    Column("opened", gettext_lazy("Opened"), order_by=("opened", "pk"), kind="number"),
    Column("clicks", gettext_lazy("Clicks"), order_by=("clicks", "pk"), kind="number"),
    Column("unsubscribed", gettext_lazy("Unsubscribed"), order_by=("unsubscribed", "pk"), kind="number"),
    Column("bounced", gettext_lazy("Bounced"), order_by=("bounced", "pk"), kind="number"),
    Column("complaints", gettext_lazy("Spam complaints"), order_by=("complaints", "pk"), kind="number"),
    Column("read", gettext_lazy("Read"), order_by=("read_at", "pk")),
)


@require_permission(Permission.EXPORT_VIEW)
@require_safe
def campaigns(request: Request, export_id: int) -> HttpResponse:
    """List the campaigns, the latest first."""
    export = find_export(export_id)
    page = list_page(
        request,
        _campaigns_of(export),
        columns=_COLUMNS,
        search=("name", "subject"),
        default="-sent",
        selectable=False,
    )
    connection = export.connection
    context = {
        "export": export,
        "list": page,
        "reading": _reading_of(export),
        "not_allowed": feedback.NOT_ALLOWED,
        "shows_campaigns": connection is not None and connection.destination.capabilities.reads_campaigns,
        "active_nav": "exports",
    }
    return render(request, "exports/campaigns.html", context)


def _campaigns_of(export: Export) -> "QuerySet[Campaign]":
    if export.connection is None:
        return Campaign.objects.none()
    return feedback.of_list(export.connection.account, export.list_id)


def _reading_of(export: Export) -> CampaignReading | None:
    if export.connection is None:
        return None
    account = export.connection.account
    return CampaignReading.objects.filter(list_state__account=account, list_state__list_id=export.list_id).first()
