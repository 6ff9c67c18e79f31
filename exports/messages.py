"""What is said to people: for each reason a title, what it means, and what to do next."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exports.models import Outcome, Run
from exports.planning import BAD_EMAIL, DUPLICATE, NO_CONSENT, NO_EMAIL
from exports.run_states import Reason


@dataclass(frozen=True)
class Message:
    """A reason in words."""

    explanation: str | Promise
    next_step: str | Promise = ""


_AGAIN = _("Run the export again when that is done; people already sent are not sent again.")

MESSAGES: dict[Reason, Message] = {
    Reason.NONE: Message(""),
    Reason.LIST_BUSY: Message(
        _("Another export is sending to the same list. Two at once would get in each other's way."),
        _("This run starts by itself as soon as the other one has ended."),
    ),
    Reason.CONNECTION_BUSY: Message(
        _("Other exports have all the calls that this connection may make at once."),
        _("This run goes on by itself within a minute."),
    ),
    Reason.WAITING_FOR_DESTINATION: Message(
        _("The destination asked us to slow down, or does not answer at the moment."),
        _("The run goes on by itself."),
    ),
    Reason.NOTHING_CHANGED: Message(
        _("The list already has everyone as they are now. Nothing was sent."),
    ),
    Reason.SOME_REJECTED: Message(
        _("The destination did not take some people. The others were delivered."),
        _("See the rejected people and their reasons; they are sent again once their data change."),
    ),
    Reason.UNACCOUNTED: Message(
        _("The destination's counts do not add up to what was sent."),
        _("Compare the number of active people on the list with what this page says."),
    ),
    Reason.NO_CONNECTION: Message(_("This export has no connection."), _("Edit the export and choose one.")),
    Reason.CONNECTION_NOT_READY: Message(
        _("The connection cannot be used yet."), _("An administrator can finish it in Admin > Connections.")
    ),
    Reason.RECONNECT_NEEDED: Message(
        _("The destination no longer accepts the credentials of this connection."),
        _("An administrator can reconnect it in Admin > Connections. People already sent are not sent again."),
    ),
    Reason.NO_SEGMENTS: Message(_("No segment is chosen."), _("Edit the export and choose at least one.")),
    Reason.SEGMENTS_NOT_REFRESHED: Message(
        _("A chosen segment has not been drawn yet, so nobody knows who is in it."),
        _("Refresh the segment, then run the export again."),
    ),
    Reason.LIMITS: Message(
        _("The connection’s limits do not allow what this export would send. Nobody was sent."),
        _("Change the export, or ask an administrator to change the limits in Admin > Connections."),
    ),
    Reason.LIST_REFUSED: Message(_("The destination refused the list or its settings."), _AGAIN),
    Reason.FIELDS_MISSING: Message(_("The export's settings do not fit the list."), _AGAIN),
    Reason.TOO_MANY_PROFILES: Message(
        _("There are more people than one export may send. Nobody was sent."),
        _("Choose a smaller segment, or spread the people over several exports."),
    ),
    Reason.OPT_IN_MAIL: Message(
        _("The list asks every new person to confirm by email. Nobody was sent."),
        _("Edit the export and accept that these people are emailed, then run it again."),
    ),
    Reason.DESTINATION_UNAVAILABLE: Message(
        _("The destination did not answer in spite of many attempts. What was sent stays sent."), _AGAIN
    ),
    Reason.EVERYTHING_REFUSED: Message(
        _("The destination refused one request after another, so that the fault must lie in the settings."),
        _("Read the answer below, mend the export or the list, and run it again."),
    ),
    Reason.UNEXPECTED_ERROR: Message(
        _("Something went wrong here, several times in a row. What was sent stays sent."),
        _("An administrator can find the cause in the log."),
    ),
    Reason.CANCELED_BY_PERSON: Message(
        _("A person canceled the run. What was sent stays sent."),
        _("Run the export again to send the rest."),
    ),
}

_TRIED_AGAIN = _("Nothing needs to be done: it is tried again by itself. People already sent are not sent again.")

_OUTCOMES: dict[str, str | Promise] = {
    NO_EMAIL: _("The profile has no email address."),
    BAD_EMAIL: _("This is not a deliverable email address."),
    DUPLICATE: _("Another profile with the same address was updated more recently and is sent instead."),
    NO_CONSENT: _("The attribute that the connection requires is not true for this person."),
}


def of_run(run: Run) -> Message:
    """What to say about a run's reason."""
    message = MESSAGES[Reason(run.reason)]
    return Message(message.explanation, _TRIED_AGAIN) if run.next_try_at else message


def of_outcome(outcome: Outcome) -> str:
    """What to say about one exceptional profile: our sentence for our codes, else the destination's."""
    return outcome.message or str(_OUTCOMES.get(outcome.code, outcome.code))


def of_code(code: str) -> str | Promise:
    """Our sentence for one of our own outcome codes; empty for a destination's."""
    return _OUTCOMES.get(code, "")
