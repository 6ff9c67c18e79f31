"""The actions of a plan for the members of the segments, and the codes of results that no destination gives."""

from enum import StrEnum
from uuid import UUID

from connections.destinations.values import BatchOperation


class PlanAction(StrEnum):
    """The action of a member: the column ``action`` of the temporary table ``plan``."""

    INVALID = "invalid"  # has no address, or none that can be delivered to
    DUPLICATE = "duplicate"  # another profile with the address was updated more recently
    EXCLUSION = "exclusion"  # the address is one of a member of the exclusion segment
    NO_CONSENT = "no_consent"
    CONTROL = "control"  # in the control group, which the export holds out
    UNCHANGED = "unchanged"  # the list has the contact, with the same data
    SUPPRESSED = "suppressed"  # the list has told, or a user has imported, that the contact is suppressed
    STILL_REFUSED = "still_refused"  # the list rejected the same data before
    ADD = "add"
    UPDATE = "update"
    CLEAR_MARK = "clear_mark"  # left and was marked; the mark is cleared
    READD = "readd"  # left and was deleted; is added again
    RESUBSCRIBE = "resubscribe"  # was suppressed; a person lets the contact be sent all the same


# Members that are not contacts of the run; each is listed with the reason.
EXCLUDED = (
    *(PlanAction.INVALID, PlanAction.DUPLICATE, PlanAction.EXCLUSION, PlanAction.NO_CONSENT),
    PlanAction.CONTROL,
)
# The operation of the batch for each action that sends, in the order of sending: new contacts come first, so that
# few batches mix them with others, and the answers tell which contacts the export has added.
OPERATIONS = {
    PlanAction.ADD: BatchOperation.SEND,
    PlanAction.CLEAR_MARK: BatchOperation.SEND,
    PlanAction.UPDATE: BatchOperation.SEND,
    PlanAction.READD: BatchOperation.READD,
    PlanAction.RESUBSCRIBE: BatchOperation.RESUBSCRIBE,
}
SENT = tuple(OPERATIONS)
# Few contacts, each sent in a way of their own.
RETURNING = (PlanAction.CLEAR_MARK, PlanAction.READD, PlanAction.RESUBSCRIBE)
# Contacts that are on the list because of the plan, or will be.
ON_LIST = (*SENT, PlanAction.UNCHANGED)
# Contacts that the export wants on the list, rejected ones included.
WANTED = (*ON_LIST, PlanAction.SUPPRESSED, PlanAction.STILL_REFUSED)

# The temporary table of unchanged contacts where the table ``plan`` has none of them: a row for each block of so
# many contacts.
UNCHANGED_BLOCK = "unchanged_block"
BLOCK_ROWS = 1000

# Why members are excluded from a run.
NO_EMAIL = "no_email"
BAD_EMAIL = "bad_email"
DUPLICATE = "duplicate"
EXCLUSION = "exclusion"
NO_CONSENT = "no_consent"
CONTROL_GROUP = "control_group"
# The code of an excluded member as SQL, over the columns of the table ``plan``; empty for other members.
EXCLUDED_CODE = f"""CASE plan.action
    WHEN '{PlanAction.INVALID}' THEN CASE WHEN plan.email IS NULL THEN '{NO_EMAIL}' ELSE '{BAD_EMAIL}' END
    WHEN '{PlanAction.DUPLICATE}' THEN '{DUPLICATE}' WHEN '{PlanAction.EXCLUSION}' THEN '{EXCLUSION}'
    WHEN '{PlanAction.NO_CONSENT}' THEN '{NO_CONSENT}' WHEN '{PlanAction.CONTROL}' THEN '{CONTROL_GROUP}'
    ELSE '' END"""
# The code of contacts who left all segments of the export.
NOT_IN_ANY_SEGMENT = "not_in_any_segment"
# Codes of contacts who leave for a reason of their own: no profile has the address, or the export no longer
# uses the segment of which they are members.
NO_PROFILE = "no_profile"
NOT_USED_SEGMENT = "segment_not_used"
# The code of a batch that may have done its work in an earlier call, though the last one says nothing of it.
UNANSWERED = "unanswered"
# The code of contacts whose result an answer does not tell.
UNMATCHED = "unmatched"
# The hash of unknown data.
UNKNOWN_DATA = UUID(int=0)
