"""What a plan does with each member of the segments."""

from enum import StrEnum

from connections.destinations.values import BatchOperation


class PlanAction(StrEnum):
    """The action of a member: the column ``action`` of the temporary table ``plan``."""

    INVALID = "invalid"  # has no address, or none that can be delivered to
    DUPLICATE = "duplicate"  # another profile with the address was updated more recently
    NO_CONSENT = "no_consent"
    UNCHANGED = "unchanged"  # the list has the contact, with the same data
    STILL_REFUSED = "still_refused"  # the list rejected the same data before
    ADD = "add"
    UPDATE = "update"
    UNMARK = "unmark"  # left and was marked; the mark is cleared
    BRING_BACK = "bring_back"  # left and was deleted; is added again
    RESUBSCRIBE = "resubscribe"  # was suppressed; a person lets the contact be sent all the same


# Members that are not contacts of the run; each is listed with the reason.
EXCLUDED = (PlanAction.INVALID, PlanAction.DUPLICATE, PlanAction.NO_CONSENT)

# The operation of the batch for each action that sends, in the order of sending: new contacts come first, so that
# few batches mix them with others, and the answers tell which contacts the export has added.
OPERATIONS = {
    PlanAction.ADD: BatchOperation.SEND,
    PlanAction.UNMARK: BatchOperation.SEND,
    PlanAction.UPDATE: BatchOperation.SEND,
    PlanAction.BRING_BACK: BatchOperation.READD,
    PlanAction.RESUBSCRIBE: BatchOperation.RESUBSCRIBE,
}
SENT = tuple(OPERATIONS)

# Few contacts, each sent in a way of their own.
COMES_BACK = (PlanAction.UNMARK, PlanAction.BRING_BACK, PlanAction.RESUBSCRIBE)

# Contacts that are on the list because of the plan, or will be.
ON_LIST = (*SENT, PlanAction.UNCHANGED)

# Contacts that the export wants on the list, rejected ones included.
WANTED = (*ON_LIST, PlanAction.STILL_REFUSED)
