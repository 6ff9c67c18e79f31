"""What every destination must answer. README.md beside this file tells how to add one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connections.destinations.values import (
    Access,
    BatchOperation,
    BatchReceipt,
    Capabilities,
    CheckStep,
    Finding,
    InputField,
    ListDetails,
    ListSummary,
    Mark,
    NewField,
    Preparer,
    Question,
    RemovalTrace,
    Sending,
    SendSettings,
    Standing,
    TargetField,
    Tokens,
)


class Sender(ABC):
    """One kept-alive line to the account, for one thread at a time."""

    @abstractmethod
    def send(self, payloads: Sequence[str], settings: SendSettings) -> BatchReceipt:
        """Perform the operation of the settings on one batch of payloads. Returns the receipt, which names the
        contacts that were refused. May be called again after a crash. Raises TryLater, BatchRefused,
        PermanentError or NeedsAdministrator."""


class OAuth(ABC):
    """Letting an account's owner grant access at the vendor, instead of showing us a key."""

    @abstractmethod
    def is_configured(self, base_url: str) -> bool:
        """Whether this place is known to the vendor as an application."""

    @abstractmethod
    def how_to_configure(self, redirect_uri: str) -> str:
        """What an operator has to do first; ``redirect_uri`` is where the vendor has to answer."""

    @abstractmethod
    def authorize_url(self, base_url: str, *, redirect_uri: str, state: str) -> str:
        """Where to send the person who grants."""

    @abstractmethod
    def exchange(self, base_url: str, *, redirect_uri: str, code: str) -> Tokens:
        """Tokens for the code that came back. Raises DestinationError."""

    @abstractmethod
    def refresh(self, base_url: str, refresh_token: str) -> Tokens:
        """Fresh tokens. Raises NeedsAdministrator when the authorization has ended, TryLater for the rest."""


class Destination(ABC):
    """A type of marketing tool: its name, its options, its lists, and how contacts are sent to it."""

    key: str  # in the database and in addresses: never changes
    label: str | Promise
    description: str | Promise
    icon: str  # a path below static/
    capabilities: Capabilities
    # What it keeps of somebody who is removed, and what to do about that, in a sentence or two.
    keeps_of_removed: str | Promise = ""
    oauth: OAuth | None = None  # where keys are all there is

    @property
    @abstractmethod
    def live_url(self) -> str:
        """The address of the real service."""

    @property
    @abstractmethod
    def sandbox_url(self) -> str:
        """The address of the sandbox; empty where there is none."""

    @property
    def call_seconds(self) -> float:
        """How long a call may take at most until it has landed or never will."""
        return 60.0

    # -- its own words, where the pages would not know them -----------------------------------------------------

    @property
    def authenticate_label(self) -> str:
        """What the step is called that connects an account."""
        return _("Authenticate with {destination}").format(destination=self.label)

    @property
    def list_id_label(self) -> str:
        """What the id of a list is called."""
        return _("{destination} List ID").format(destination=self.label)

    @property
    def list_id_help(self) -> str:
        """Where to find that id."""
        return ""

    def one_way_to_write(self, list_id: str) -> str:
        """The id in the one way in which it is kept, where there are several for the same list."""
        return list_id

    # -- what it can do -----------------------------------------------------------------------------------------

    @abstractmethod
    def credential_fields(self) -> Sequence[InputField]:
        """What to ask when connecting, in the order of asking."""

    @abstractmethod
    def questions(self) -> Sequence[Question]:
        """What each export must choose beside its list and fields."""

    @abstractmethod
    def check(self, access: Access) -> Sequence[CheckStep]:
        """Try the connection step by step; never raises for what the vendor answers."""

    @abstractmethod
    def lists(self, access: Access) -> Sequence[ListSummary]:
        """The lists of the account. Raises DestinationError."""

    @abstractmethod
    def list_details(
        self,
        access: Access,
        list_id: str,
        *,
        with_group: bool = True,
        with_clock: bool = False,
        group_id: str = "",
    ) -> ListDetails:
        """Look one list up by its id. Whose it is may take many calls and is told only where that is asked,
        ``with_group``. ``with_clock`` adds the time in the time zone of the list's dates; that needs the group as
        well, which ``group_id`` tells where it is known. Raises PermanentError when there is no such list, or
        another DestinationError."""

    def empty_fields(self, access: Access, list_id: str, email: str, keys: Sequence[str]) -> set[str]:
        """Look up which of the list's own fields ``keys`` hold no value of a subscriber; none where that cannot be
        told. Raises DestinationError."""
        return set()

    def create_field(self, access: Access, list_id: str, field: NewField) -> TargetField:
        """Make a field on a list, of one of the types that the capabilities name. Raises PermanentError when the
        list does not take it, or another DestinationError."""
        raise NotImplementedError

    def add_options(self, access: Access, list_id: str, field_key: str, options: Sequence[str]) -> None:
        """Let a field of a list have further options; those that it has stay. Raises as ``create_field`` does."""
        raise NotImplementedError

    def verify(self, access: Access, *, group_id: str = "", thousand: bool = False) -> Iterable[Finding]:
        """Try in the account itself, without harm, what its documentation leaves open; ``group_id`` says where.
        Nothing for a destination without such questions. Raises DestinationError."""
        return ()

    def leaves_out_values(self, answers: Mapping[str, str]) -> bool:
        """Whether a contact is sent without a value that the list cannot hold, instead of being excluded."""
        return True

    @abstractmethod
    def preparer(self, settings: SendSettings) -> Preparer:
        """A pure and fast function that converts one person to the destination's form, or says why it cannot.
        It is called a million times: whatever depends on the settings alone is worked out here, once."""

    @abstractmethod
    def open_sender(self, access: Access) -> AbstractContextManager[Sender]:
        """A line to send batches over; closed when the block ends."""

    def publish(self, access: Access, settings: SendSettings) -> None:  # noqa: B027 - most have nothing to do
        """A run has sent all that it will send. Called only where ``capabilities.publishes`` says so, and again
        after a crash. Raises DestinationError."""

    def active_people(self, access: Access, list_id: str) -> int | None:
        """Count the active subscribers of the list; None when that cannot be told. Raises DestinationError."""
        return None

    # -- removals; only where ``capabilities.operations`` has them ---------------------------------------------

    def clock(self, access: Access) -> str:
        """The account's own time, to compare the dates of its lists with; empty where there is none. Raises
        DestinationError."""
        return ""

    def removal_payload(self, email: str, first_sent: Sending) -> str:
        """Return what a batch of removals holds for one contact. Unless the export is known to have added the
        contact, one that joined the list outside of its first sending is pre-existing, and stays."""
        raise NotImplementedError

    def calls_to_remove(self, operation: BatchOperation, people: int) -> int:
        """Count the calls that perform that operation on so many contacts."""
        return people

    def welcomed_back(self, payload: str, mark: Mark) -> str:
        """Return the payload of a contact that comes back, with the mark cleared."""
        raise NotImplementedError

    def restore_payload(self, payload: str, trace: RemovalTrace) -> str:
        """One person as they are sent, to be restored only while the list holds them as the removal left them."""
        raise NotImplementedError

    def find_person(self, access: Access, list_id: str, email: str) -> Standing | None:
        """How one person stands on a list; None when it never held them. Only where the capabilities say
        ``reads_people``. Raises DestinationError."""
        raise NotImplementedError

    def remove_person(self, access: Access, list_id: str, email: str) -> bool:
        """Take one person off a list, because they asked to be erased; False when they were not on it. Only where
        the capabilities say ``removes_people``. Raises DestinationError."""
        raise NotImplementedError
