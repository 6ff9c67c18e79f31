"""Define the frozen values that pass between the product and a destination. Nothing here knows a database or
HTTP."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from config.platform.text.value_format import AS_IS, MappedValue, ValueFormat

# Takes a token that was refused and whether it had expired; gives a better one, or the same when there is none.
# May be called from any thread. Raises DestinationError.
Renew = Callable[[str, bool], str]

# Called right before each request or write, from any thread. Raises when nothing may leave any more, because
# another worker may hold the lease by now; a destination lets that error pass.
SendGuard = Callable[[], None]
CallObserver = Callable[[int | None, float], None]


def no_guard() -> None:
    """Let every request pass, where no lease is held."""


def unobserved(_status: int | None, _seconds: float) -> None:
    """Count no call, where credentials are only being tried."""


@dataclass(frozen=True)
class Tokens:
    """The OAuth tokens of an authorization: an access token for so many ``seconds``, and a refresh token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    seconds: float


@dataclass(frozen=True)
class Access:
    """Access to an account: its address and secrets. Secrets stay out of its repr."""

    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    # What is not secret and belongs to the connection, such as the client id of a client key.
    options: Mapping[str, str] = field(default_factory=dict)
    # Is told the HTTP status of each call, None without a response, and its seconds.
    observe: CallObserver = field(default=unobserved, repr=False, compare=False)
    # For credentials that expire; None for those that do not, and for those that are only being tried.
    renew: Renew | None = field(default=None, repr=False, compare=False)
    check_may_send: SendGuard = field(default=no_guard, repr=False, compare=False)


class BatchOperation(StrEnum):
    """What a batch does with its contacts."""

    SEND = "send"
    READD = "bring_back"  # send contacts, also those that an export deleted from the list
    RESTORE = "restore"  # send removed contacts, if the list holds them as the removal left them
    RESUBSCRIBE = "resubscribe"  # send contacts, also unsubscribed, bounced and deleted ones
    MARK = "mark"
    DELETE = "delete"
    UNSUBSCRIBE = "unsubscribe"


# These may make contacts active that the list had suppressed.
MAKE_ACTIVE = (BatchOperation.READD, BatchOperation.RESUBSCRIBE, BatchOperation.RESTORE)
REMOVALS = (BatchOperation.MARK, BatchOperation.DELETE, BatchOperation.UNSUBSCRIBE)


@dataclass(frozen=True)
class Mark:
    """The value that is written into a field of contacts that leave; cleared when they rejoin."""

    field_key: str
    value: str


@dataclass(frozen=True)
class RemovalTrace:
    """What a removal left on the list, by which a restore tells that nothing has changed a contact since: when the
    calls went out that unsubscribed it, by the clock of the list's dates, or the mark that it carries."""

    since: str = ""
    until: str = ""
    mark: Mark | None = None


@dataclass(frozen=True)
class Sending:
    """When an export first sent a contact, by the clock of the list's dates: from ``since`` to ``until``, empty
    where not known. ``added_by_us``: it is known without these that the export added the contact to the list."""

    since: str = ""
    until: str = ""
    added_by_us: bool = True
    zone_known: bool = True  # False: the moments are by the account's clock


@dataclass(frozen=True)
class Capabilities:
    """What a destination can do, as data."""

    batch_rows: int
    batch_bytes: int
    # The operations it can do beside sending, and how many people a batch of those holds that take a call each.
    operations: frozenset[BatchOperation] = frozenset()
    single_rows: int = 20
    # Whether one person can be removed from a list again, see Destination.remove_person.
    removes_people: bool = False
    # Whether it tells how one person stands on a list, see Destination.find_person.
    reads_people: bool = False
    # Whether it shows the subscribers of a list by state, see Destination.open_reader, and the codes of
    # suppressed contacts that say nothing of that state.
    lists_subscribers: bool = False
    codes_beside_state: frozenset[str] = frozenset()
    # Whether it calls a webhook when something changes on a list, see Destination.create_webhook.
    calls_webhooks: bool = False
    # Whether it shows campaigns that were sent to lists, with results, see Destination.open_campaigns.
    reads_campaigns: bool = False
    publishes: bool = False  # wants to be told when a run has sent all that it will send
    # Types of field that can be made on a list, see Destination.create_field; none where fields are fixed.
    creates_fields: Sequence[str] = ()


@dataclass(frozen=True)
class InputField:
    """An input to ask for when connecting."""

    name: str
    label: str
    help_text: str = ""
    secret: bool = False
    required: bool = True


@dataclass(frozen=True)
class Choice:
    """An option of a question that an export must answer, such as consent to track."""

    value: str
    label: str
    help_text: str = ""


class Concerns(StrEnum):
    """For which contacts that are on the list already a changed answer makes a difference."""

    ALL = "all"
    BLANKS = "blanks"  # those without a value in a mapped attribute, or with several options
    NONE = "none"


@dataclass(frozen=True)
class Question:
    """A question that a destination asks of each export, beside list and fields. Without a ``default`` an answer
    has to be chosen."""

    name: str
    label: str
    choices: Sequence[Choice]
    help_text: str = ""
    default: str = ""
    # How an attribute is understood that answers for each person; empty where none may.
    attribute_help: str = ""
    with_field: str = ""  # asked only while this field is filled
    is_menu: bool = False  # has so many choices that they are a menu
    concerns: Concerns = Concerns.ALL

    def takes(self, answer: str) -> bool:
        """Tell whether an answer is valid."""
        if attribute_of(answer):
            return bool(self.attribute_help)
        return answer in {choice.value for choice in self.choices}


# An answer may name the attribute that answers for each person, as in “attribute:newsletter”.
_BY_ATTRIBUTE = "attribute:"


def attribute_of(answer: str) -> str:
    """Return the attribute that answers for each contact; empty where one answer holds for all."""
    return answer.removeprefix(_BY_ATTRIBUTE) if answer.startswith(_BY_ATTRIBUTE) else ""


def by_attribute(attribute: str) -> str:
    """Write the answer that ``attribute`` gives for each contact."""
    return f"{_BY_ATTRIBUTE}{attribute}"


@dataclass(frozen=True)
class CheckStep:
    """One step of the check of a connection, with its own sentence."""

    key: str
    label: str
    ok: bool | None  # None: not tried, since a step before it failed
    detail: str = ""
    # A step may find out that something more is needed: the name of the input to ask for.
    asks_for: str = ""
    # … and may learn facts about the account that the connection keeps.
    learned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """The result of a check of one assumption about a real account."""

    question: str
    assumed: str
    holds: bool | None  # None: not tried
    seen: str


@dataclass(frozen=True)
class ListSummary:
    """A list to choose from."""

    list_id: str
    title: str
    group: str = ""  # the client that it belongs to
    group_id: str = ""


@dataclass(frozen=True)
class NewField:
    """A field to create on a list."""

    label: str
    data_type: str
    options: Sequence[str] = ()


class ListOptIn(StrEnum):
    SINGLE = "single"
    CONFIRMED = "confirmed"


class UnsubscribeScope(StrEnum):
    THIS_LIST = "this_list"
    ALL_LISTS = "all_lists"


@dataclass(frozen=True)
class TargetField:
    """A field of subscribers on a list."""

    key: str  # what an export's settings keep, such as “name” or “[city]”
    label: str
    data_type: str  # text, number, date, choice, choices, country, state, mobile
    options: Sequence[str] = ()


@dataclass(frozen=True)
class ListDetails:
    """The details of a list that an export needs."""

    list_id: str
    title: str
    group: str
    group_id: str
    opt_in: ListOptIn
    unsubscribe_scope: UnsubscribeScope | None  # None: it has no subscribers
    active_people: int | None  # None: unknown
    fields: Sequence[TargetField]
    clock: str = ""  # the time in the time zone of the list's dates, where it was asked for
    clock_zone_known: bool = True  # False: that is the account's time, since the list's time zone is not known


@dataclass(frozen=True)
class FieldMapping:
    """One profile attribute that goes to one field of the list, in a format. Without an attribute, the default of
    the format is a constant."""

    attribute: str
    field_key: str
    format: ValueFormat = AS_IS

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "FieldMapping":
        """Read a mapped field as exports and runs store it."""
        return cls(kept["attribute"], kept["field"], ValueFormat.from_json(kept))

    def to_json(self) -> dict[str, str]:
        return {"attribute": self.attribute, "field": self.field_key, **self.format.to_json()}

    @property
    def value(self) -> MappedValue:
        return MappedValue(self.attribute, self.format)


@dataclass(frozen=True)
class SendSettings:
    """The frozen settings by which a run sends."""

    list_id: str
    mapping: Sequence[FieldMapping]
    answers: Mapping[str, str]  # answers to the destination's questions
    fields: Sequence[TargetField]
    run: str = ""  # names the run among all, the same however often it is resumed
    operation: BatchOperation = BatchOperation.SEND
    mark: Mark | None = None
    began: str = ""  # when the run did, by the account's own clock; empty where there is none
    again: bool = False  # whether this batch was sent before, with an unknown result

    @property
    def attribute_questions(self) -> list[str]:
        """Return the questions that an attribute answers for each contact, in the order in which the answers
        follow the mapped values."""
        return sorted(name for name, answer in self.answers.items() if attribute_of(answer))


@dataclass(frozen=True)
class Violation:
    """Why a contact cannot be sent at all, or why one of its values cannot. ``field``: the key of the field
    that cannot hold the value."""

    code: str
    message: str
    field: str = ""


@dataclass(frozen=True)
class Incomplete:
    """A contact encoded without the values that the list cannot hold."""

    payload: str
    left_out: Sequence[Violation]


# Converts one person — the address in its final form, and the mapped values in the mapping's order with the
# answers of attributes behind them (True for yes) — to a piece of a request body, with or without all values, or
# says why that is impossible.
Preparer = Callable[[str, Sequence[Any]], "str | Incomplete | Violation"]


@dataclass(frozen=True)
class SubscriberState:
    """The state of a subscriber on a list, in words, and the date on which it joined, as the list writes it."""

    state: str
    joined: str = ""


class RefusalKind(StrEnum):
    """Why a contact was not sent: the list keeps it out, or its data were rejected."""

    SUPPRESSED = "left"  # unsubscribed, bounced, deleted, unconfirmed, or on the suppression list
    REJECTED = "rejected"


@dataclass(frozen=True)
class ProfileRefusal:
    """The refusal of a contact by the destination."""

    email: str
    kind: RefusalKind
    code: str
    message: str
    # Whether the same person with the same data may be taken later.
    retryable: bool = False


# What is said of a contact who was to be removed and was not, for all destinations.
NOT_ON_LIST = "not_on_list"
NOT_ACTIVE = "not_active"  # has unsubscribed, bounced, … and stays so
ALREADY_REMOVED = "already_removed"  # is in the very state that the removal brings about
ON_LIST_AGAIN = "on_list_again"  # was to be restored, and is active on the list already
OWN_UNSUBSCRIBE = "own_unsubscribe"  # was to be restored, and may have unsubscribed themselves
MARK_CHANGED = "mark_changed"  # was to be restored, and the mark is not as the run wrote it
FOUND_THERE = "found_there"  # was on the list before the export sent them


@dataclass(frozen=True)
class BatchReceipt:
    """The result of one batch. All contacts that are not in ``refusals`` were accepted."""

    new: int
    existing: int
    refusals: Sequence[ProfileRefusal]
    http_status: int | None  # None where there is no HTTP
    seconds: float
    bytes_sent: int
    # Contacts that are neither in the counts nor in the refusals; 0 when the answer adds up.
    unaccounted: int = 0
    # The contacts that this call made active again, of a batch that brings contacts back; None: it does not tell.
    added_again: Collection[str] | None = None
