"""Import: up to a thousand people in one call, each taken or refused on its own."""

from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError, cannot_read
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import MailingList
from connections.destinations.campaign_monitor.sandbox.routes import PEOPLE, route
from connections.destinations.campaign_monitor.sandbox.rows import Incoming, RowReader
from connections.destinations.campaign_monitor.sandbox.subscribe import Taking

MOST_ROWS = 1000
BY_IMPORT, BY_IMPORT_WITH_AUTOMATIONS = "import", "import, starting automations"


@route("POST", "/subscribers/<list>/import", scopes=PEOPLE, alone=False)
def import_subscribers(call: Call, mailing_list: MailingList) -> Answer:
    """201 when every row was taken, else 400 with code 210 and the same figures: all other rows are applied."""
    body = Body.of(call, "subscribers")
    rows = _rows(body)
    resubscribe = body.flag("Resubscribe")
    starts = body.flag("QueueSubscriptionBasedAutoResponders")
    body.flag("RestartSubscriptionBasedAutoresponders")  # only means something for people who come back
    by = BY_IMPORT_WITH_AUTOMATIONS if starts else BY_IMPORT
    try:
        people, repeated = _distinct(rows, mailing_list, consent_required=call.consent_required)
        call.faults.refuse_batch(people)
        result = _take(call, mailing_list, people, resubscribe=resubscribe, by=by)
    except ApiError as refusal:
        refusal.answer.rows = len(rows)
        raise
    result["DuplicateEmailsInSubmission"] = repeated
    if result["FailureDetails"]:
        raise ApiError(210, result=result, rows=len(rows))
    return Answer(201, result, rows=len(rows))


def _rows(body: Body) -> list[Any]:
    rows = body.values.get("subscribers")
    if rows is None:
        raise ApiError(212)
    if not isinstance(rows, list):
        raise cannot_read(body.parameter)
    if not rows:
        raise ApiError(212)
    if len(rows) > MOST_ROWS:
        raise ApiError(209, rows=len(rows))
    return rows


def _distinct(
    rows: list[Any], mailing_list: MailingList, *, consent_required: bool
) -> tuple[dict[str, Incoming], list[str]]:
    """Each address once, whatever its case, and those that came again, each once. Which occurrence wins is not
    documented; here the last one does."""
    reader = RowReader(mailing_list, consent_required=consent_required, parameter="subscribers")
    people: dict[str, Incoming] = {}
    repeated: dict[str, str] = {}
    for row in rows:
        incoming = reader.read(row)
        if incoming.key in people:
            repeated[incoming.key] = people[incoming.key].email
        people[incoming.key] = incoming
    return people, list(repeated.values())


def _take(
    call: Call, mailing_list: MailingList, people: dict[str, Incoming], *, resubscribe: bool, by: str
) -> dict[str, Any]:
    refusals = call.faults.refused_emails(people)
    with call.store.change() as change:
        if call.store.lists.get(mailing_list.id) is not mailing_list:
            raise ApiError(101, status=401)  # it was deleted while its new people were being read
        taking = Taking(
            call.store, change, mailing_list, by=by, resubscribe=resubscribe, moment=call.moment(mailing_list)
        )
        for key, incoming in people.items():
            if key in refusals:
                taking.refuse(incoming, *refusals[key])
            elif incoming.code:
                taking.refuse(incoming, incoming.code)
            else:
                taking.take(incoming)
        taken = taking.finish()
    failures = call.faults.rewrite_failures(taken.failures)
    return {
        "FailureDetails": [*failures, *call.faults.added_failures(call.method, call.path)],
        "TotalUniqueEmailsSubmitted": len(people),
        "TotalExistingSubscribers": taken.existing,
        "TotalNewSubscribers": taken.new,
        "DuplicateEmailsInSubmission": [],
    }
