"""Operation of the REST API about the campaigns that were sent to the list of an export."""

from datetime import datetime

from django.shortcuts import get_object_or_404
from ninja import Router

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.values import PAGE_SIZE, Answer, Id, Limit, Page, page_of
from config.platform.web.htmx import Request
from exports.feedback import campaigns
from exports.models import Campaign, Export

router = Router(tags=["Exports"])


class CampaignOut(Answer):
    """A campaign with its results so far. ``sent_at`` is by the clock of the list, without a time zone. ``opened``
    counts recipients, ``opens`` how often they opened it. The counts are of all lists in ``list_ids``."""

    id: int
    campaign_id: str
    name: str
    subject: str
    sent_at: str
    list_ids: list[str]
    recipients: int
    opened: int
    opens: int
    clicks: int
    bounced: int
    unsubscribed: int
    complaints: int
    read_at: datetime | None


@router.get(
    "/exports/{export_id}/campaigns",
    response=Page[CampaignOut],
    operation_id="list_campaigns",
    summary="List campaigns and their results",
)
def list_campaigns(
    request: Request, export_id: Id, *, cursor: Id | None = None, limit: Limit = PAGE_SIZE
) -> object:
    """List the campaigns of the last 90 days to the list of an export, with the results that were read last."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    account = export.connection.account if export.connection else ""
    found = campaigns.of_list(account, export.list_id)
    return page_of(
        found, lambda rows: [_shown(each) for each in rows], cursor=cursor, limit=limit, newest_first=True
    )


def _shown(campaign: Campaign) -> CampaignOut:
    names = ("campaign_id", "name", "subject", "sent_at", "recipients", "opened", "opens", "clicks", "bounced")
    values = {name: getattr(campaign, name) for name in (*names, "unsubscribed", "complaints", "read_at")}
    return CampaignOut(id=campaign.pk, list_ids=campaign.list_ids or [], **values)
