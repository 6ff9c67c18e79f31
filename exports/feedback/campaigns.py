"""Read which campaigns were sent to a list, and their results.

Every hour the campaigns of the list's client are read, then the lists of those that are new, then the results of
those sent to this list: every hour in the first three days, once a day for 90 days. A killed worker leaves what it
has read; the next one reads only the rest. Calls are made one after the other, and not while the connection is
paused. Older campaigns are deleted.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from config.platform import retention
from config.platform.jobs import clock, leases
from config.platform.jobs.leases import HeldLease
from connections import credentials, destinations
from connections.destinations.base import CampaignReader
from connections.destinations.campaigns import SentCampaign
from connections.destinations.errors import NeedsAdministrator, PermanentError
from connections.destinations.values import Access
from connections.models import Connection
from exports.feedback import list_jobs
from exports.feedback.list_jobs import ListReading
from exports.models import Campaign, CampaignReading, Export, ListState

logger = logging.getLogger(__name__)

READ_CAMPAIGNS = "exports.tasks.read_campaigns"
EVERY = timedelta(hours=1)
# The message of a job whose connection may not view reports.
NOT_ALLOWED = "reports_not_allowed"
# Results change most in the first days; so long they are read every hour, then once a day.
_FRESH = timedelta(days=3)
_DAILY = timedelta(days=1)
_WITHOUT_CONNECTION = timedelta(minutes=10)
_MOST_AT_ONCE = 50
_LONGEST, _LONGEST_ID, _LONGEST_URL = 300, 64, 500


def make_missing() -> None:
    """Make the jobs of lists whose destination shows campaigns, and that have none yet."""
    shown = Q(pk=None)
    for each in destinations.all_destinations():
        if each.capabilities.reads_campaigns:
            shown |= Q(account__startswith=f"{each.key}:")
    missing = ListState.objects.filter(shown, campaign_reading=None)
    CampaignReading.objects.bulk_create(
        [CampaignReading(list_state=state) for state in missing], ignore_conflicts=True
    )


def due() -> list[int]:
    """Return the IDs of the jobs whose time has come and that no worker holds, the longest waiting first."""
    found = leases.claimable(CampaignReading).filter(due_at__lte=clock.now()).order_by("due_at")
    return list(found.values_list("pk", flat=True)[:_MOST_AT_ONCE])


def of_list(account: str, list_id: str) -> "QuerySet[Campaign]":
    """Select the campaigns of the last 90 days that were sent to a list and whose results were read, the latest
    first."""
    known = Campaign.objects.filter(
        account=account, list_ids__contains=[list_id.lower()], sent_at__gte=_first_day()
    )
    return known.exclude(read_at=None).order_by("-sent_at", "-pk")


def _first_day() -> str:
    """Return the day since which campaigns are read and shown."""
    return f"{retention.CAMPAIGNS.cutoff():%Y-%m-%d}"


def read(reading_id: int) -> bool:
    """Read campaigns for one slice, if that is due and no other worker does. Returns whether there is more to read
    at once."""
    reading = leases.claim(CampaignReading(pk=reading_id)) if reading_id in due() else None
    return reading is not None and list_jobs.work(reading, _READING)


def _read_for_a_while(reading: CampaignReading, lease: HeldLease, connection: Connection) -> bool:
    """Read until all is read, or the time of a slice is over. Returns whether there is more."""
    access = credentials.access(connection)
    until = time.monotonic() + settings.SLICE_SECONDS
    try:
        with connection.destination.open_campaigns(access) as reader:
            for is_kept in _steps(reading.list_state, connection, access, reader):
                lease.check()
                if is_kept and time.monotonic() > until:
                    leases.release(reading)
                    return True
                connection.refresh_from_db(fields=["paused_at"])
                credentials.access(connection)  # raises Paused
    except NeedsAdministrator as needed:
        # A key may send contacts and not read reports: then the connection is as it should be.
        raise PermanentError(needed.sentence, code=NOT_ALLOWED) from needed
    due_at = clock.now() + EVERY
    leases.update_if_owner(reading, due_at=due_at, completed_at=clock.now(), tries=0, message="", lease_until=None)
    return False


def _steps(state: ListState, connection: Connection, access: Access, reader: CampaignReader) -> Iterator[bool]:
    """Request the campaigns of a list and their results. Yields after each request whether its answer was stored,
    so that a later attempt does not request it again."""
    sent: list[str] = []
    day = _first_day()
    group, page, pages = _group_of(state, connection, access), 1, 1
    while page <= pages:
        found = reader.sent_since(group, day, page)
        _store(state.account, found.rows)
        sent += [row.id for row in found.rows]
        page, pages = page + 1, found.pages
        yield False
    campaigns = Campaign.objects.filter(account=state.account, campaign_id__in=sent)
    for campaign in campaigns.filter(list_ids=None).order_by("-sent_at"):
        campaign.list_ids = sorted(reader.lists_of(campaign.campaign_id))
        campaign.save(update_fields=["list_ids"])
        yield True
    for campaign in campaigns.filter(list_ids__contains=[state.list_id.lower()]).order_by("-sent_at"):
        if _is_due(campaign):
            results = asdict(reader.results_of(campaign.campaign_id))
            results["url"] = "" if len(results["url"]) > _LONGEST_URL else results["url"]
            Campaign.objects.filter(pk=campaign.pk).update(**results, read_at=clock.now())
            yield True


def _group_of(state: ListState, connection: Connection, access: Access) -> str:
    """Return the client that the list belongs to: as an export knows it, else the destination is asked."""
    exports = Export.objects.filter(list_id__iexact=state.list_id, connection=connection).exclude(list_group="")
    known: str | None = exports.values_list("list_group", flat=True).first()
    return known or connection.destination.list_details(access, state.list_id).group_id


def _store(account: str, rows: Sequence[SentCampaign]) -> None:
    """Store campaigns. One may be twice on a page, since campaigns are sent while pages are read."""
    once = {row.id: row for row in rows if len(row.id) <= _LONGEST_ID}
    Campaign.objects.bulk_create(
        [
            Campaign(
                account=account,
                campaign_id=row.id,
                name=row.name[:_LONGEST],
                subject=row.subject[:_LONGEST],
                sent_at=row.sent_at[:32],
                recipients=row.recipients,
            )
            for row in once.values()
        ],
        update_conflicts=True,
        unique_fields=["account", "campaign_id"],
        update_fields=["name", "subject", "sent_at"],
    )


def _is_due(campaign: Campaign) -> bool:
    """Tell whether the results are to be read again."""
    if campaign.read_at is None:
        return True
    try:  # the zone of the list's clock does not matter here
        age = clock.now().replace(tzinfo=None) - datetime.fromisoformat(campaign.sent_at)
    except ValueError:
        age = _FRESH
    # A reading begins a little earlier or later than the one before.
    wanted = (EVERY if age < _FRESH else _DAILY) * 0.9
    return clock.now() - campaign.read_at >= wanted


def _wait_for_connection(job: CampaignReading, why: str) -> None:
    list_jobs.wait(job, _WITHOUT_CONNECTION.total_seconds(), why)


def _refused(job: CampaignReading, why: str) -> None:
    """Ask again in an hour: what an account refuses may be allowed later."""
    list_jobs.update_unless_lost(job, due_at=clock.now() + EVERY, message=why, tries=job.tries + 1)


_READING: ListReading[CampaignReading] = ListReading(
    read=_read_for_a_while,
    wait=list_jobs.wait,
    unusable=_wait_for_connection,
    refused=_refused,
    try_again=list_jobs.try_again,
)
