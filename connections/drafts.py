"""Keep what is typed into the pane of a connection and not saved yet.

A draft lives in the session; secrets lie in it encrypted, exactly as they would in the database. It is bound to
what it was typed for, so that a key tried against the sandbox can never end up on a live connection.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import QueryDict

from config.platform.encryption.fields import Sealed
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.jobs import clock
from connections import vault
from connections.destinations.values import CheckStep
from connections.models import Connection

KEY = "connection_drafts"
MOST = 3
SECONDS = 1800


@dataclass
class Draft:
    """What was typed for a connection that is being set up."""

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
    export_user: bool = False  # whoever's session this is has confirmed it with their password
    # A round trip to the vendor: what it has to bring back, where to, and what else was typed, encrypted.
    state: str = ""
    redirect_uri: str = ""
    address: str = ""
    typed: str = ""
    problem: str = ""  # what went wrong on the way, to be told once

    def keep_secrets(self, typed: dict[str, str]) -> None:
        self.sealed = vault.seal(typed).stored

    def secrets(self) -> dict[str, str]:
        """Decrypt the typed credentials. Raises CannotDecrypt."""
        return vault.unseal(Sealed(self.sealed)) if self.sealed else {}

    def keep_typed(self, values: dict[str, list[str]]) -> None:
        """Keep the rest of the pane until the user returns."""
        self.typed = vault.seal({name: json.dumps(each) for name, each in values.items()}).stored

    def take_typed(self) -> QueryDict | None:
        """Return what was kept of the pane as if it were posted; None when there is nothing, or it cannot be
        read."""
        if not self.typed:
            return None
        data = QueryDict(mutable=True)
        try:
            for name, each in vault.unseal(Sealed(self.typed)).items():
                data.setlist(name, json.loads(each))
        except CannotDecrypt:
            return None
        return data

    def forget_secrets(self) -> None:
        self.sealed, self.options, self.steps, self.asks_for = "", {}, [], ""
        self.checking = self.verified = False

    def tell(self, steps: Sequence[CheckStep]) -> None:
        self.steps = [{"label": str(step.label), "ok": step.ok, "detail": str(step.detail)} for step in steps]


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
    drafts = {**session.get(KEY, {}), draft.id: asdict(draft)}
    newest = sorted(drafts.values(), key=lambda kept: kept["at"])[-MOST:]
    session[KEY] = {kept["id"]: kept for kept in newest}


def drop(session: SessionBase, draft: Draft) -> None:
    """Delete the draft, secrets included."""
    session[KEY] = {key: kept for key, kept in session.get(KEY, {}).items() if key != draft.id}


def _subject(connection: Connection) -> str:
    return f"{connection.destination_key}:{connection.environment}:{connection.pk or 'new'}"
