"""Say for each reason of a run what it means, what to do next, and which action does it. Users who may not do it
are told who may (next_steps.py)."""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connections.destinations import values
from exports.models import Outcome, Run
from exports.state.result_codes import (
    BAD_EMAIL,
    DUPLICATE,
    NO_CONSENT,
    NO_EMAIL,
    NOT_IN_ANY_SEGMENT,
    UNANSWERED,
    UNMATCHED,
)
from exports.state.status import Reason


class SuggestedAction(Enum):
    """What mends it."""

    NONE = "none"
    EDIT_EXPORT = "edit_export"
    RUN_AGAIN = "run_again"
    SEE_REJECTED = "see_rejected"
    SEE_PEOPLE = "see_people"
    FIX_CONNECTION = "mend_connection"
    REFRESH_SEGMENTS = "refresh_segments"


@dataclass(frozen=True)
class Message:
    """A reason in words; ``next_step`` addresses users who can do the ``action``."""

    explanation: str | Promise
    next_step: str | Promise = ""
    action: SuggestedAction = SuggestedAction.NONE


_AGAIN = _("Run the export again when that is done.")

MESSAGES: dict[Reason, Message] = {
    Reason.NONE: Message(""),
    Reason.LIST_BUSY: Message(
        _("Another export is sending to the same list. Two at once would get in each other's way."),
        _("This run starts by itself as soon as the other one has ended."),
    ),
    Reason.REFRESH_UNDER_WAY: Message(
        _("What this export depends on is being refreshed, and the refresh finishes first."),
        _("This run starts by itself as soon as that has ended."),
    ),
    Reason.CONNECTION_BUSY: Message(
        _("Other exports have all the calls that this connection may make at once."),
        _("This run goes on by itself within a minute."),
    ),
    Reason.CONNECTION_PAUSED: Message(
        _("An administrator has paused the connection of this export. No request starts meanwhile."),
        _("This run continues automatically when an administrator resumes the connection."),
    ),
    Reason.WAITING_FOR_DESTINATION: Message(
        _("The destination asked us to slow down, or does not answer at the moment."),
        _("The run goes on by itself."),
    ),
    Reason.NOTHING_CHANGED: Message(
        _("The list already has everyone as they are now. Nothing was sent."),
    ),
    Reason.NOTHING_NEW: Message(
        _("Nothing was sent: the contacts who can be sent are on the list as they are now."),
        _("See the contacts and their results."),
        SuggestedAction.SEE_PEOPLE,
    ),
    Reason.NO_CONTACT_SENT: Message(
        _("No member of the segments is on the list as they are now."),
        _("See the contacts and their results; they are sent again when their data change."),
        SuggestedAction.SEE_PEOPLE,
    ),
    Reason.NO_MEMBERS: Message(
        _("No contact was sent, because the segments have no members."),
        _("Check the rules of the segments and the data sources that they read."),
        SuggestedAction.REFRESH_SEGMENTS,
    ),
    Reason.SOME_REJECTED: Message(
        _("The destination did not take some people. The others were delivered."),
        _("See the rejected people and their reasons; they are sent again once their data change."),
        SuggestedAction.SEE_REJECTED,
    ),
    Reason.REJECTED_AS_BEFORE: Message(
        _("The destination did not take people whom it had rejected before for the same reasons; nobody else."),
        _("See the rejected people and their reasons."),
        SuggestedAction.SEE_REJECTED,
    ),
    Reason.REMOVALS_HELD: Message(
        _("No contact was removed from the list: so many removals at once may be a mistake."),
        _("Look at the segments. If it is right, choose “Confirm removals”; the next run works it out anew."),
    ),
    Reason.SOME_NOT_REMOVED: Message(
        _("The destination refused to take some people off the list. The next run tries again."),
    ),
    Reason.NOBODY_TO_CLEAR: Message(
        _("The list holds nobody any more whom this export has brought and no other export sends there."),
    ),
    Reason.NOT_TO_BE_CLEARED: Message(_("What was asked does not hold any more. Nobody was taken off the list.")),
    Reason.UNACCOUNTED: Message(
        _("The destination's answers do not tell whether some contacts were added to the list."),
        _("Nothing needs to be done: the next run sends these contacts again."),
    ),
    Reason.NO_CONNECTION: Message(
        _("This export has no connection."), _("Edit the export and choose one."), SuggestedAction.EDIT_EXPORT
    ),
    Reason.CONNECTION_NOT_READY: Message(
        _("The connection cannot be used yet."),
        _("Finish it in Admin > Connections, then run the export again."),
        SuggestedAction.FIX_CONNECTION,
    ),
    Reason.RECONNECT_NEEDED: Message(
        _("The destination no longer accepts the credentials of this connection."),
        _("Reconnect it in Admin > Connections, then run the export again."),
        SuggestedAction.FIX_CONNECTION,
    ),
    Reason.NO_SEGMENTS: Message(
        _("No segment is chosen."), _("Edit the export and choose at least one."), SuggestedAction.EDIT_EXPORT
    ),
    Reason.SEGMENTS_NOT_REFRESHED: Message(
        _("A chosen segment has not been drawn yet, so nobody knows who is in it."),
        _("Refresh the segment, then run the export again."),
        SuggestedAction.REFRESH_SEGMENTS,
    ),
    Reason.UPSTREAM_FAILED: Message(
        _("Something that this export depends on could not be refreshed, so it was not tried."),
        _("It runs by itself with the next system refresh that goes well."),
    ),
    Reason.LIMITS: Message(
        _("The connection’s limits do not allow what this export would send."),
        _("Change the export, or ask an administrator to change the limits in Admin > Connections."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.LIST_REFUSED: Message(
        _("The destination refused the list or its settings."), _AGAIN, SuggestedAction.EDIT_EXPORT
    ),
    Reason.FIELDS_MISSING: Message(
        _("The export's settings do not fit the list."), _AGAIN, SuggestedAction.EDIT_EXPORT
    ),
    Reason.TOO_MANY_PROFILES: Message(
        _("There are more people than may be sent."),
        _("Choose a smaller segment, or spread the people over several exports."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.ACCOUNT_FULL: Message(
        _("The destination takes nobody more: the plan of its account is used up."),
        _AGAIN,
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.OPT_IN_MAIL: Message(
        _("The list asks every new person to confirm by email."),
        _("Edit the export and accept that these people are emailed, then run it again."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.DESTINATION_UNAVAILABLE: Message(
        _("The destination did not answer in spite of many attempts."), _AGAIN, SuggestedAction.RUN_AGAIN
    ),
    Reason.EVERYTHING_REFUSED: Message(
        _("The destination refused one request after another, so that the fault must lie in the settings."),
        _("Read the answer, mend the export or the list, and run it again."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.UNEXPECTED_ERROR: Message(
        _("Something went wrong here, several times in a row."),
        _("An administrator can find the cause in the log. Run the export again when it is gone."),
        SuggestedAction.RUN_AGAIN,
    ),
    Reason.CANCELED_BY_PERSON: Message(
        _("A person canceled the run."), _("Run the export again to send the rest."), SuggestedAction.RUN_AGAIN
    ),
}

# What is different for a clearing, which sends nobody.
_GO_ON = _("Choose “Go on with the others” when that is done.")
_OF_CLEARINGS: dict[Reason, Message] = {
    Reason.LIST_BUSY: Message(
        _("A run is still sending to the list that is left."),
        _("This run starts by itself as soon as the other one has ended."),
    ),
    Reason.REMOVALS_HELD: Message(
        _("Nobody was taken off the list: it is not what somebody has agreed to any more."),
        _("If it is right, choose “Confirm removals”; it is worked out anew."),
    ),
    Reason.SOME_NOT_REMOVED: Message(_("The destination refused to take some people off the list."), _GO_ON),
    Reason.CANCELED_BY_PERSON: Message(
        _("A person canceled the run."), _("Choose “Go on with the others” to take off the rest.")
    ),
}

_TRIED_AGAIN = _("Nothing needs to be done: it is tried again by itself. People already sent are not sent again.")

_OUTCOMES: dict[str, str | Promise] = {
    NO_EMAIL: _("The profile has no email address."),
    BAD_EMAIL: _("This is not a deliverable email address."),
    DUPLICATE: _("Another profile with the same address was updated more recently and is sent instead."),
    NO_CONSENT: _("The attribute that the connection requires is not true for this person."),
    UNANSWERED: _("Sent, and no answer came before the run ended: nobody knows whether the list took them."),
    NOT_IN_ANY_SEGMENT: _("Is no longer in any segment of this export."),
    UNMATCHED: _(
        "The answer refused contacts under addresses that were not sent, or left some out, so it is unknown"
        " whether this contact is on the list."
    ),
    values.BatchOperation.MARK.value: _("Marked on the list."),
    values.BatchOperation.DELETE.value: _("Deleted from the list."),
    values.BatchOperation.UNSUBSCRIBE.value: _("Unsubscribed."),
    values.NOT_ON_LIST: _("The list did not hold them any more."),
    values.NOT_ACTIVE: _("Had unsubscribed, bounced or not confirmed before, and stays so."),
    values.ON_LIST_AGAIN: _("Is active on the list already, and was left as they are."),
    values.OWN_UNSUBSCRIBE: _("Has unsubscribed at another time than the run unsubscribed them, and stays so."),
    values.MARK_CHANGED: _("The mark has been changed since, so they stay as they are."),
    values.ALREADY_REMOVED: _("Somebody else had taken them off the list before."),
    values.FOUND_THERE: _("Was on the list before this export sent them, so they stay."),
}


# What is to be done about people who met one fate, and whether it heals by itself.
ADVICE: dict[str, str | Promise] = {
    "left": _(
        "Nothing needs to be done. They stay as they are, and are not asked for again until their data change."
    ),
    "rejected": _(
        "Not asked for again until their data change. Correct the data, or ask again once the cause is gone."
    ),
    "invalid": _("Correct the data where they come from; the next run sends them by itself."),
    "incomplete": _(
        "Correct the data where they come from, or change the field of the list. "
        "Then the next run sends the value."
    ),
    "duplicate": _("Nothing needs to be done: the address is sent once."),
    "no_consent": _("Sent by the next run after they have agreed."),
    "unknown": _("Nothing needs to be done: the next run sends them again."),
    "not_sent": _("Nothing needs to be corrected: the next run sends them."),
}


def of_run(run: Run) -> Message:
    """What to say about a run's reason."""
    message = _of_clearing(Reason(run.reason)) if run.clears_id else MESSAGES[Reason(run.reason)]
    return Message(message.explanation, _TRIED_AGAIN) if run.next_try_at else message


def _of_clearing(reason: Reason) -> Message:
    usual = MESSAGES[reason]
    if reason in _OF_CLEARINGS:
        return _OF_CLEARINGS[reason]
    if usual.action is SuggestedAction.FIX_CONNECTION:
        return Message(usual.explanation, _GO_ON, usual.action)
    return (
        Message(usual.explanation) if usual.action is SuggestedAction.NONE else Message(usual.explanation, _GO_ON)
    )


def of_outcome(outcome: Outcome) -> str:
    """What to say about one exceptional profile: our sentence for our codes, else the destination's."""
    return outcome.message or str(_OUTCOMES.get(outcome.code, outcome.code))


def of_code(code: str) -> str | Promise:
    """Our sentence for one of our own outcome codes; empty for a destination's."""
    return _OUTCOMES.get(code, "")
