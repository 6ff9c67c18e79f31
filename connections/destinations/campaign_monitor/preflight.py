"""“Does this connection work?”, told step by step: each step is tried only when the one before it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.destinations.campaign_monitor.client import Client
from connections.destinations.campaign_monitor.wire import NamedId
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError, TryLater
from connections.destinations.values import CheckStep

CLIENT_ID = "client_id"
KEY_KIND = "key_kind"  # account or client
ACCOUNT_NAME = "account_name"


@dataclass
class _Story:
    """The steps told so far."""

    by_token: bool = False
    steps: list[CheckStep] = field(default_factory=list)

    def tell(self, key: str, ok: bool | None, detail: str = "", asks_for: str = "", **learned: str) -> bool:
        self.steps.append(CheckStep(key, self.label(key), ok, detail, asks_for, learned))
        return bool(ok)

    def label(self, key: str) -> str:
        return {
            "reachable": _("Campaign Monitor is reachable"),
            "key": _("The authorization is accepted") if self.by_token else _("The API key is accepted"),
            "kind": _("Client access") if self.by_token else _("Key type"),
            "lists": _("List access"),
        }[key]

    def ended(self) -> Sequence[CheckStep]:
        """The steps, those that were never reached included."""
        told = {step.key for step in self.steps}
        rest = [
            CheckStep(key, self.label(key), None)
            for key in ("reachable", "key", "kind", "lists")
            if key not in told
        ]
        return [*self.steps, *rest]


def check(client: Client, options: Mapping[str, str], *, by_token: bool = False) -> Sequence[CheckStep]:
    """The story of one connection, opened by a key or ``by_token``. ``options`` may hold the client id that a
    client key was asked for."""
    story = _Story(by_token)
    if _reaches(client, story):
        owners = _kind(client, options, story)
        if owners is not None:
            _lists(client, owners, story)
    return story.ended()


def _reaches(client: Client, story: _Story) -> bool:
    """The first two steps, by one call: an answer of any kind means reachable."""
    try:
        client.system_date()
    except TryLater as error:
        return story.tell("reachable", False, error.sentence)
    except DestinationError as error:
        story.tell("reachable", True)
        return story.tell("key", False, error.sentence)
    story.tell("reachable", True)
    return story.tell("key", True)


def _kind(client: Client, options: Mapping[str, str], story: _Story) -> Sequence[NamedId] | None:
    """Nothing in a key says which it is, but a client key is refused the list of clients. None: ask on."""
    try:
        owners = client.clients()
    except (NeedsAdministrator, PermanentError):
        return _client_key(client, options.get(CLIENT_ID, ""), story)
    except DestinationError as error:
        story.tell("kind", False, error.sentence)
        return None
    names = _("{first} and others").format(first=owners[0].name) if len(owners) > 1 else ""
    name = names or (owners[0].name if owners else "")
    detail = ngettext("Account key: {n} client available.", "Account key: {n} clients available.", len(owners))
    if story.by_token:
        detail = ngettext("{n} client available.", "{n} clients available.", len(owners))
    story.tell(
        "kind", True, detail.format(n=len(owners)), **{KEY_KIND: "account", ACCOUNT_NAME: name, CLIENT_ID: ""}
    )
    return owners


def _client_key(client: Client, client_id: str, story: _Story) -> Sequence[NamedId] | None:
    if not client_id:
        detail = _("This is a client key. Enter the client ID as well.")
        story.tell("kind", None, detail, CLIENT_ID, **{KEY_KIND: "client"})
        return None
    try:
        name = client.client_name(client_id)
    except TryLater as error:
        story.tell("kind", False, error.sentence)
        return None
    except DestinationError:  # some keys may read the lists and not the client's details: the lists decide
        name = ""
    detail = _("Client key of {client}.").format(client=name or client_id)
    story.tell("kind", True, detail, **{KEY_KIND: "client", CLIENT_ID: client_id, ACCOUNT_NAME: name})
    return [NamedId(client_id, name)]


def _lists(client: Client, owners: Sequence[NamedId], story: _Story) -> None:
    """The last step. The first client stands for all: an account may have hundreds."""
    if not owners:
        story.tell(
            "lists", False, _("The account has no clients yet. Add one in Campaign Monitor, then try again.")
        )
        return
    try:
        count = len(client.lists(owners[0].id))
    except TryLater as error:
        story.tell("lists", False, error.sentence)
    except DestinationError as error:
        story.tell("lists", False, _refused(error), _asks_again(story))
    else:
        detail = ngettext("{client} has {n} list.", "{client} has {n} lists.", count)
        story.tell("lists", True, detail.format(client=owners[0].name or owners[0].id, n=count))


def _refused(error: DestinationError) -> str:
    if isinstance(error, PermanentError):
        return _("The key has no access to the lists of this client. Check the client ID.")
    return error.sentence


def _asks_again(story: _Story) -> str:
    """A client key with the wrong id is asked for the id once more."""
    return CLIENT_ID if any(step.learned.get(KEY_KIND) == "client" for step in story.steps) else ""
