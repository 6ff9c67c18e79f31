"""Sign in at the vendor: send the user there with a state that only this session knows, and return to the same
pane with everything that was typed."""

import secrets
from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.http import QueryDict
from django.utils.translation import gettext as _

from connections import credentials, drafts, token_renewal, vault
from connections.destinations.base import OAuth
from connections.destinations.errors import DestinationError
from connections.drafts import Draft
from connections.models import Connection
from connections.vault import NotConnected

# What is never kept of a pane: the page's own token, and passwords.
_NOT_KEPT = ("csrfmiddlewaretoken", "step", "draft", "own-password")


class NotPossible(Exception):
    """Signing in at the vendor is not possible here; the message says what to do."""


@dataclass(frozen=True)
class Offer:
    """“Authenticate with …” as a button, or what an operator has to do before it is one."""

    configured: bool
    how_to_configure: str = ""


def offer(connection: Connection, redirect_uri: str) -> Offer | None:
    """Return what the pane offers beside a key; None for a destination without OAuth."""
    try:
        asked, base_url = connection.destination.oauth, vault.address_of(connection)
    except NotConnected:
        return None
    if asked is None:
        return None
    if asked.is_configured(base_url):
        return Offer(configured=True)
    return Offer(configured=False, how_to_configure=asked.how_to_configure(redirect_uri))


def begin(connection: Connection, draft: Draft, *, typed: QueryDict, address: str, redirect_uri: str) -> str:
    """Keep what was typed, and return the address at the vendor. Raises NotPossible."""
    asked, base_url = _asked(connection)
    if not asked.is_configured(base_url):
        raise NotPossible(asked.how_to_configure(redirect_uri))
    draft.state, draft.address, draft.redirect_uri = secrets.token_urlsafe(24), address, redirect_uri
    keep_typed(draft, typed)
    return asked.authorize_url(base_url, redirect_uri=redirect_uri, state=draft.state)


def keep_typed(draft: Draft, typed: QueryDict) -> None:
    """Keep what was typed into the pane until the user returns; secrets are not kept."""
    draft.keep_typed({name: values for name, values in typed.lists() if _is_kept(name)})


def waiting(session: SessionBase, state: str) -> Draft | None:
    """Find the draft of this session that was sent out with this state."""
    found = (draft for draft in drafts.all_of(session) if draft.state)
    return next((draft for draft in found if secrets.compare_digest(draft.state.encode(), state.encode())), None)


def finish(connection: Connection, draft: Draft, *, code: str, error: str) -> None:
    """Exchange the code that the vendor sent, check the tokens, and keep both in the draft. A state works once."""
    draft.state = ""
    if error or not code:
        draft.problem = _refusal(connection, error)
        return
    try:
        asked, base_url = _asked(connection)
        tokens = asked.exchange(base_url, redirect_uri=draft.redirect_uri, code=code)
        draft.forget_secrets()
        draft.keep_secrets(token_renewal.as_credentials(tokens))
        draft.options = {token_renewal.SIGNED_IN: token_renewal.BY_OAUTH}
        found = credentials.check_typed(connection, draft.secrets(), draft.options)
    except DestinationError as refused:
        draft.problem = refused.sentence
        return
    except (NotConnected, NotPossible) as impossible:
        draft.problem = str(impossible)
        return
    draft.tell(found.steps)
    draft.verified = found.ok
    if found.ok:
        draft.options = draft.options | found.learned


def _asked(connection: Connection) -> tuple[OAuth, str]:
    if connection.destination.oauth is None:
        raise NotPossible(_("{name} does not recognize this sign-in.").format(name=connection.destination.label))
    return connection.destination.oauth, vault.address_of(connection)


def _refusal(connection: Connection, error: str) -> str:
    sentence = _("{name} did not grant access ({error}). Nothing was changed.")
    if error == "access_denied":
        sentence = _("Access was denied in {name}. Nothing was changed; authenticate again to allow it.")
    return sentence.format(name=connection.destination.label, error=error[:60] or "—")


def _is_kept(name: str) -> bool:
    return name not in _NOT_KEPT and not name.startswith("credential-")
