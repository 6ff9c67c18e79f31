"""Define what every destination implements. README.md beside this file tells how to add one."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connections.destinations.campaigns import CampaignPage, CampaignResults
from connections.destinations.subscribers import ListedState, RegisteredWebhook, SubscriberPage, WebhookCall
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
    SubscriberState,
    TargetField,
    Tokens,
)


class Sender(ABC):
    """A connection to the account that is kept open, for one thread at a time. An API that accepts a batch now
    and tells its result later polls inside ``send``; README.md says what that costs."""

    @abstractmethod
    def send(self, payloads: Sequence[str], settings: SendSettings) -> BatchReceipt:
        """Perform the operation of the settings on one batch of payloads. Returns the receipt, which names the
        contacts that were refused. May be called again after a crash. Raises TryLater, BatchRefused,
        PermanentError or NeedsAdministrator."""


class SubscriberReader(ABC):
    """A connection to the account that is kept open, for one thread at a time, to read subscribers of lists."""

    @abstractmethod
    def read(
        self, list_id: str, state: ListedState, page: int, *, since: str = "", fields: Sequence[str] = ()
    ) -> SubscriberPage:
        """Read a page, from 1, of the subscribers of a list in one state: all in the order of addresses or, with
        ``since``, those that came into the state on that day or later, the latest first. The hash of each is of
        the values in ``fields``. Raises DestinationError."""


class CampaignReader(ABC):
    """A connection to the account that is kept open, for one thread at a time, to read sent campaigns."""

    @abstractmethod
    def sent_since(self, group_id: str, day: str, page: int) -> CampaignPage:
        """Read a page, from 1, of the campaigns that a client sent on that day or later, the latest first.
        Raises DestinationError."""

    @abstractmethod
    def lists_of(self, campaign_id: str) -> set[str]:
        """Read to which lists a campaign was sent, which never changes. Raises DestinationError."""

    @abstractmethod
    def results_of(self, campaign_id: str) -> CampaignResults:
        """Read the results of a campaign so far. Raises DestinationError."""


class OAuth(ABC):
    """Sign-in of an account's owner at the vendor, instead of a key that is typed in."""

    @abstractmethod
    def is_configured(self, base_url: str) -> bool:
        """Tell whether this installation is registered at the vendor as an application."""

    @abstractmethod
    def how_to_configure(self, redirect_uri: str) -> str:
        """Say what an operator has to do first; ``redirect_uri`` is where the vendor has to answer."""

    @abstractmethod
    def authorize_url(self, base_url: str, *, redirect_uri: str, state: str) -> str:
        """Return the address at the vendor where the owner grants access."""

    @abstractmethod
    def exchange(self, base_url: str, *, redirect_uri: str, code: str) -> Tokens:
        """Exchange the code that the vendor sent for tokens. Raises DestinationError."""

    @abstractmethod
    def refresh(self, base_url: str, refresh_token: str) -> Tokens:
        """Fetch fresh tokens. Raises NeedsAdministrator when the authorization has ended, TryLater otherwise."""


class Destination(ABC):
    """A type of marketing tool: its name, its options, its lists, and how contacts are sent to it."""

    key: str  # in the database and in addresses: never changes
    label: str | Promise
    description: str | Promise
    icon: str  # a path below static/
    capabilities: Capabilities
    # What it keeps of a contact who is removed, and what to do about that, in a sentence or two.
    keeps_of_removed: str | Promise = ""
    oauth: OAuth | None = None  # where keys are all there is

    @property
    @abstractmethod
    def live_url(self) -> str:
        """Return the address of the real service."""

    @property
    @abstractmethod
    def sandbox_url(self) -> str:
        """Return the address of the sandbox; empty where there is none."""

    @property
    def call_seconds(self) -> float:
        """Return the seconds after which a call whose answer was lost can no longer change the list."""
        return 60.0

    # -- its own words, where the pages would not know them -----------------------------------------------------

    @property
    def authenticate_label(self) -> str:
        """Name the step that connects an account."""
        return _("Authenticate with {destination}").format(destination=self.label)

    @property
    def list_id_label(self) -> str:
        """Name the ID of a list."""
        return _("{destination} List ID").format(destination=self.label)

    @property
    def list_id_help(self) -> str:
        """Say where users find that ID."""
        return ""

    @property
    def list_advice(self) -> str:
        """Say what to do about the list of an export."""
        return _("Select the destination list, or enter its ID.")

    @property
    def matching_words(self) -> str:
        """Say by what contacts are identified."""
        return _("{destination} identifies subscribers by email.").format(destination=self.label)

    @property
    def what_stays(self) -> str:
        """Say where the sent contacts stay when an export or connection is removed."""
        return _("Contacts already sent stay in {destination}.").format(destination=self.label)

    def file_of_run(self, list_id: str, run: str) -> str:
        """Return the name of the file that a run writes, with its folders; empty where there is none."""
        return ""

    def one_way_to_write(self, list_id: str) -> str:
        """Normalize a list ID, where the vendor accepts several spellings of one."""
        return list_id

    # -- what it can do -----------------------------------------------------------------------------------------

    @abstractmethod
    def credential_fields(self) -> Sequence[InputField]:
        """Return the inputs to ask for when connecting, in that order."""

    @abstractmethod
    def questions(self) -> Sequence[Question]:
        """Return the options that each export chooses beside its list and fields."""

    @abstractmethod
    def check(self, access: Access) -> Sequence[CheckStep]:
        """Check the connection step by step; never raises for what the vendor answers."""

    @abstractmethod
    def lists(self, access: Access) -> Sequence[ListSummary]:
        """Return the lists of the account. Raises DestinationError."""

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
        """Look up a list by its ID. ``with_group`` looks up whose list it is, which may take many calls.
        ``with_clock`` adds the time in the time zone of the list's dates; that needs the group as well,
        which ``group_id`` names where it is known. Raises PermanentError when there is no such list, or
        another DestinationError."""

    def empty_fields(self, access: Access, list_id: str, email: str, keys: Sequence[str]) -> set[str]:
        """Look up which of the list's own fields ``keys`` hold no value of a subscriber; none where that cannot be
        told. Raises DestinationError."""
        return set()

    def create_field(self, access: Access, list_id: str, field: NewField) -> TargetField:
        """Create a field on a list, of one of the types in the capabilities. Raises PermanentError when the
        list refuses it, or another DestinationError."""
        raise NotImplementedError

    def add_options(self, access: Access, list_id: str, field_key: str, options: Sequence[str]) -> None:
        """Add options to a field of a list; the present ones stay. Raises as ``create_field`` does."""
        raise NotImplementedError

    def verify(self, access: Access, *, group_id: str = "", thousand: bool = False) -> Iterable[Finding]:
        """Check in the account, without harm, what the vendor's documentation leaves open; ``group_id`` says
        where. Yields a finding per assumption. Raises DestinationError."""
        return ()

    def leaves_out_values(self, answers: Mapping[str, str]) -> bool:
        """Tell whether a contact is sent without a value that the list cannot hold, instead of being excluded."""
        return True

    @abstractmethod
    def preparer(self, settings: SendSettings) -> Preparer:
        """Return a pure, fast function that encodes one contact for the destination, or says why it cannot. It
        is called a million times: compute beforehand whatever depends on the settings alone."""

    @abstractmethod
    def open_sender(self, access: Access) -> AbstractContextManager[Sender]:
        """Open a sender; it is closed when the block ends."""

    def publish(self, access: Access, settings: SendSettings) -> None:  # noqa: B027 - most have nothing to do
        """Tell the vendor that a run has sent all that it will send. Called only where
        ``capabilities.publishes`` is set, and again after a crash. Raises DestinationError."""

    def active_people(self, access: Access, list_id: str) -> int | None:
        """Count the active subscribers of a list; None when that cannot be told. Raises DestinationError."""
        return None

    # -- removals; only where ``capabilities.operations`` has them ---------------------------------------------

    def clock(self, access: Access) -> str:
        """Return the account's own time, to compare the dates of its lists with; empty where there is none.
        Raises DestinationError."""
        return ""

    @abstractmethod
    def sent_values(self, payload: str, settings: SendSettings) -> Mapping[str, str]:
        """Return the values that a payload has, by the key of the field. A value that is cleared is empty."""

    def removal_payload(self, email: str, first_sent: Sending) -> str:
        """Return what a batch of removals holds for one contact. Unless the export is known to have added the
        contact, one that joined the list outside of its first sending is pre-existing, and stays."""
        raise NotImplementedError

    def calls_to_remove(self, operation: BatchOperation, people: int) -> int:
        """Count the calls that perform that operation on so many contacts."""
        return people

    def payload_without_mark(self, payload: str, mark: Mark) -> str:
        """Return the payload of a contact that rejoins, with the mark cleared."""
        raise NotImplementedError

    def restore_payload(self, payload: str, trace: RemovalTrace) -> str:
        """Return the payload that restores one contact, only while the list holds it as the removal left it."""
        raise NotImplementedError

    def find_person(self, access: Access, list_id: str, email: str) -> SubscriberState | None:
        """Look up the state of a subscriber; None when the list never held the address. Only where the
        capabilities say ``reads_people``. Raises DestinationError."""
        raise NotImplementedError

    def open_reader(self, access: Access) -> AbstractContextManager[SubscriberReader]:
        """Open a reader of lists; it is closed when the block ends. Only where the capabilities say
        ``lists_subscribers``."""
        raise NotImplementedError

    def open_campaigns(self, access: Access) -> AbstractContextManager[CampaignReader]:
        """Open a reader of sent campaigns; it is closed when the block ends. Only where the capabilities say
        ``reads_campaigns``."""
        raise NotImplementedError

    # -- webhooks; only where the capabilities say ``calls_webhooks`` --------------------------------------------

    def webhooks(self, access: Access, list_id: str) -> Sequence[RegisteredWebhook]:
        """Return the webhooks of a list. Raises DestinationError."""
        raise NotImplementedError

    def create_webhook(self, access: Access, list_id: str, address: str) -> str:
        """Create a webhook that is called when subscribers leave the list or become active, and return its ID.
        Raises DestinationError."""
        raise NotImplementedError

    def activate_webhook(self, access: Access, list_id: str, webhook_id: str) -> None:
        """Let a webhook be called again that the destination has stopped calling. Raises DestinationError."""
        raise NotImplementedError

    def delete_webhook(self, access: Access, list_id: str, webhook_id: str) -> None:
        """Delete a webhook; nothing when it is gone. Raises DestinationError."""
        raise NotImplementedError

    def read_webhook_call(self, body: bytes) -> WebhookCall | None:
        """Read the body of a call; None when it is not one of the destination. It may come from anyone."""
        raise NotImplementedError

    def remove_person(self, access: Access, list_id: str, email: str) -> bool:
        """Delete a subscriber who asked to be erased; False when the list does not hold the address. Only where
        the capabilities say ``removes_people``. Raises DestinationError."""
        raise NotImplementedError
