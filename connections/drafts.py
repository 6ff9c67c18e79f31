"""Keep what is typed into the pane of a connection and not saved yet, also during a sign-in at the vendor.

A draft lives in the session, with encrypted secrets. It is bound to a destination, an environment and a
connection, so that a key tried against the sandbox cannot end up on a live connection. A sign-in sends the user to
the vendor with a state that only this session knows, and returns to the same pane.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import QueryDict
from django.utils.translation import gettext as _

from config.platform.encryption.fields import Sealed
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.jobs import clock
from connections import credentials, vault
from connections.destinations.base import OAuth
from connections.destinations.errors import DestinationError
from connections.destinations.values import CheckStep
from connections.models import Connection
from connections.vault import NotConnected

KEY = "connection_drafts"
MOST = 3
SECONDS = 1800
# What is never kept of a pane: the page's own token, and passwords.
_NOT_KEPT = ("csrfmiddlewaretoken", "step", "draft", "own-password")


class SignInNotPossible(Exception):
    """Report that signing in at the vendor is not possible; the message says what to do."""


@dataclass
class Draft:
    """The input for a connection that is being set up."""

    id: str
    subject: str
    at: float
    sealed: str = ""  # encrypted credentials that were typed in
    options: dict[str, str] = field(default_factory=dict)
    checking: bool = False  # typed in, and about to be checked
    verified: bool = False  # checked, and good
    asks_for: str = ""  # an input that the check found to be missing
    steps: list[dict[str, Any]] = field(default_factory=list)  # what the check told
    replacing: bool = False  # a connected one is getting other credentials
    export_user: bool = False  # the user of this session has confirmed it with their password
    # A round trip to the vendor: what it has to bring back, where to, and what else was typed, encrypted.
    state: str = ""
    redirect_uri: str = ""
    address: str = ""
    page: str = ""  # over which the pane was open
    typed: str = ""
    problem: str = ""  # what went wrong on the way, to be told once

    def keep_secrets(self, typed: dict[str, str]) -> None:
        self.sealed = Sealed.of(typed).stored

    def secrets(self) -> dict[str, str]:
        """Decrypt the typed credentials. Raises CannotDecrypt."""
        return Sealed(self.sealed).open() if self.sealed else {}

    def keep_typed(self, values: dict[str, list[str]]) -> None:
        """Keep the rest of the pane until the user returns."""
        self.typed = Sealed.of({name: json.dumps(each) for name, each in values.items()}).stored

    def take_typed(self) -> QueryDict | None:
        """Return the kept input as if it were posted; None if there is none, or it cannot be read."""
        if not self.typed:
            return None
        data = QueryDict(mutable=True)
        try:
            for name, each in Sealed(self.typed).open().items():
                data.setlist(name, json.loads(each))
        except CannotDecrypt:
            return None
        return data

    def forget_secrets(self) -> None:
        self.sealed, self.options, self.steps, self.asks_for = "", {}, [], ""
        self.checking = self.verified = False

    def tell(self, steps: Sequence[CheckStep]) -> None:
        self.steps = [{"label": str(step.label), "ok": step.ok, "detail": str(step.detail)} for step in steps]


@dataclass(frozen=True)
class SignInOffer:
    """The button “Authenticate with …”, or what an operator has to configure first."""

    configured: bool
    how_to_configure: str = ""


def new(connection: Connection) -> Draft:
    """Create an empty draft; it is kept once it is saved."""
    return Draft(id=secrets.token_urlsafe(9), subject=_subject(connection), at=clock.now().timestamp())


def load(session: SessionBase, draft_id: str, connection: Connection) -> Draft | None:
    """Load the draft with that ID, if it is of this connection and not too old."""
    kept = session.get(KEY, {}).get(draft_id)
    if kept is None or kept["subject"] != _subject(connection):
        return None
    draft = Draft(**kept)
    return draft if clock.now().timestamp() - draft.at < SECONDS else None


def all_of(session: SessionBase) -> list[Draft]:
    """Return every draft of this session that is not too old."""
    kept = [Draft(**each) for each in session.get(KEY, {}).values()]
    return [draft for draft in kept if clock.now().timestamp() - draft.at < SECONDS]


def save(session: SessionBase, draft: Draft) -> None:
    """Keep the draft in the session; only the newest drafts stay."""
    kept_drafts = {**session.get(KEY, {}), draft.id: asdict(draft)}
    newest = sorted(kept_drafts.values(), key=lambda kept: kept["at"])[-MOST:]
    session[KEY] = {kept["id"]: kept for kept in newest}


def drop(session: SessionBase, draft: Draft) -> None:
    """Delete the draft, secrets included."""
    session[KEY] = {key: kept for key, kept in session.get(KEY, {}).items() if key != draft.id}


def sign_in_offer(connection: Connection, redirect_uri: str) -> SignInOffer | None:
    """Return the sign-in that the pane offers beside a key; None for a destination without OAuth."""
    try:
        asked, base_url = connection.destination.oauth, vault.address_of(connection)
    except NotConnected:
        return None
    if asked is None:
        return None
    if asked.is_configured(base_url):
        return SignInOffer(configured=True)
    return SignInOffer(configured=False, how_to_configure=asked.how_to_configure(redirect_uri))


def begin_sign_in(
    connection: Connection, draft: Draft, *, typed: QueryDict, address: str, redirect_uri: str
) -> str:
    """Keep the typed input, and return the address at the vendor. Raises SignInNotPossible."""
    asked, base_url = _oauth_of(connection)
    if not asked.is_configured(base_url):
        raise SignInNotPossible(asked.how_to_configure(redirect_uri))
    draft.state, draft.address, draft.redirect_uri = secrets.token_urlsafe(24), address, redirect_uri
    keep_typed(draft, typed)
    return asked.authorize_url(base_url, redirect_uri=redirect_uri, state=draft.state)


def keep_typed(draft: Draft, typed: QueryDict) -> None:
    """Keep what was typed into the pane until the user returns; secrets are not kept."""
    draft.keep_typed(
        {
            name: values
            for name, values in typed.lists()
            if name not in _NOT_KEPT and not name.startswith("credential-")
        }
    )


def draft_waiting_for(session: SessionBase, state: str) -> Draft | None:
    """Find the draft of this session that was sent to the vendor with this state."""
    found = (draft for draft in all_of(session) if draft.state)
    return next((draft for draft in found if secrets.compare_digest(draft.state.encode(), state.encode())), None)


def finish_sign_in(connection: Connection, draft: Draft, *, code: str, error: str) -> None:
    """Exchange the code that the vendor sent, check the tokens, and keep both in the draft. A state works once."""
    draft.state = ""
    if error or not code:
        draft.problem = _refusal(connection, error)
        return
    try:
        asked, base_url = _oauth_of(connection)
        tokens = asked.exchange(base_url, redirect_uri=draft.redirect_uri, code=code)
        draft.forget_secrets()
        draft.keep_secrets(credentials.as_credentials(tokens))
        draft.options = {credentials.SIGNED_IN: credentials.BY_OAUTH}
        found = credentials.check_typed(connection, draft.secrets(), draft.options)
    except DestinationError as refused:
        draft.problem = refused.sentence
        return
    except (NotConnected, SignInNotPossible) as impossible:
        draft.problem = str(impossible)
        return
    draft.tell(found.steps)
    draft.verified = found.ok
    if found.ok:
        draft.options = draft.options | found.learned


def _subject(connection: Connection) -> str:
    return f"{connection.destination_key}:{connection.environment}:{connection.pk or 'new'}"


def _oauth_of(connection: Connection) -> tuple[OAuth, str]:
    if connection.destination.oauth is None:
        raise SignInNotPossible(
            _("{name} does not recognize this sign-in.").format(name=connection.destination.label)
        )
    return connection.destination.oauth, vault.address_of(connection)


def _refusal(connection: Connection, error: str) -> str:
    sentence = _("{name} did not grant access ({error}). Nothing was changed.")
    if error == "access_denied":
        sentence = _("Access was denied in {name}. Nothing was changed; authenticate again to allow it.")
    return sentence.format(name=connection.destination.label, error=error[:60] or "—")
