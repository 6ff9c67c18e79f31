"""Who is on a list, by state, page by page."""

import re

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.calls import Call
from connections.destinations.campaign_monitor.sandbox.model import STATES, MailingList
from connections.destinations.campaign_monitor.sandbox.paging import Paging
from connections.destinations.campaign_monitor.sandbox.records import record
from connections.destinations.campaign_monitor.sandbox.routes import PEOPLE, route

_STATES = {state.lower(): state for state in STATES}
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}(?::\d{2})?)?)?")


@route("GET", "/lists/<list>/(?P<state>active|unconfirmed|unsubscribed|bounced|deleted)", scopes=PEOPLE)
def people(call: Call, mailing_list: MailingList, state: str) -> Answer:
    """Those who are in a state, or came into it on or after ``date``."""
    paging = Paging.of(call, "email", "name", "date")
    since = call.parameters.get("date", "").strip()
    if not _MOMENT.fullmatch(since):
        raise ApiError(400, message="Failed to deserialize your request. Fields in error: date")
    named = _STATES[state.lower()]
    order = paging.order
    found = mailing_list.since(named, order, since) if since else mailing_list.in_order(named, order)
    return paging.envelope(found, lambda person: record(call, mailing_list, person))
