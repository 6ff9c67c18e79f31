"""Hold the state of the pane of a connection: what is stored, what was typed, and which step is next.

Each step becomes possible when the one before it is done. Nothing is written to the database before Save. A
sandbox connection has the same steps as a live one, so that users practice what they will do.
"""

from collections.abc import Sequence
from functools import cached_property

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from config.platform.accounts import lockout, reauthentication
from config.platform.accounts.models import User
from config.platform.encryption.keyring import CannotDecrypt
from connections import actions, consent_text, credentials, forms, policies, vault
from connections.consent_text import ConsentText
from connections.destinations.base import Destination
from connections.destinations.values import InputField
from connections.drafts import Draft
from connections.forms import ConnectionForm, CredentialsForm, LimitsForm, PasswordForm
from connections.models import Connection, Consent
from connections.vault import NotConnected


class Setup:
    """One request of the pane: its display, or one step. ``connection`` is saved or new; ``draft`` is what the
    session keeps, ``data`` what was posted, ``address`` the address of the pane."""

    def __init__(
        self,
        *,
        user: User,
        connection: Connection,
        draft: Draft | None,
        data: QueryDict | None,
        address: str,
        from_address: str = "",
        confirmed: bool = False,
    ) -> None:
        self.user, self.connection, self.draft, self.address = user, connection, draft, address
        self.from_address = from_address  # the network address of the user
        self.confirmed = confirmed  # who has no password has just signed in again
        self._data = data
        self.step = ""  # the step that was just taken
        self.problem = ""  # … and what went wrong with it
        self.form = ConnectionForm(data, connection=connection)
        self.limits_form = LimitsForm(data, connection=connection, account=forms.as_set_up(connection, draft))
        self.password_form = PasswordForm()

    # -- what there is ---------------------------------------------------------------------------------------

    @property
    def is_new(self) -> bool:
        return self.connection.pk is None

    @property
    def destination(self) -> Destination:
        return self.connection.destination

    @cached_property
    def consent(self) -> Consent | None:
        """Return the consent in force: the newest, if it is to the present text."""
        newest = self.consents[0] if self.consents else None
        return newest if newest and newest.text_version == consent_text.VERSION else None

    @cached_property
    def consents(self) -> list[Consent]:
        """Return every consent, the newest first."""
        return [] if self.is_new else list(self.connection.consents.all())

    @property
    def outdated_consents(self) -> list[Consent]:
        """Return consents to earlier texts, or that another consent has followed."""
        return [given for given in self.consents if given != self.consent]

    @property
    def consent_text(self) -> ConsentText:
        """Return the text to agree to, in the chosen language."""
        language = self._data.get("consent_language") if self._data else None
        return consent_text.read(self.destination, language)

    @property
    def consent_languages(self) -> list[tuple[str, str]]:
        return consent_text.languages()

    @property
    def is_open(self) -> bool:
        """Tell whether the part “Connect to …” is shown."""
        return self.draft is not None or not self.is_new

    @property
    def is_checking(self) -> bool:
        return self.draft is not None and self.draft.checking

    @property
    def is_connected(self) -> bool:
        """Tell whether there are credentials that were checked: those just typed or, unless they are being
        replaced, the stored ones."""
        if self.draft is not None and (self.draft.verified or self.draft.replacing):
            return self.draft.verified
        return self.connection.credentials is not None and not self.connection.reconnect_reason

    @property
    def is_typing(self) -> bool:
        """Tell whether credentials are asked for, or are being checked."""
        if self.is_connected:
            return False
        return self.connection.credentials is None or (self.draft is not None and self.draft.replacing)

    @property
    def account(self) -> str:
        """Return the name of the account, as far as it is known."""
        options = self.draft.options if self.draft is not None and self.draft.verified else self.connection.options
        return str(options.get("account_name") or "")

    @property
    def export_user(self) -> User | None:
        """Return who will be export user once this is saved."""
        if self.draft is not None and self.draft.export_user:
            return self.user
        current = self.connection.export_user
        return current if policies.is_valid_export_user(current) else None

    @property
    def has_password(self) -> bool:
        """Tell whether the user confirms with a password, or else by signing in again."""
        return reauthentication.has_password(self.user)

    @property
    def can_confirm(self) -> bool:
        """Tell whether the user can confirm becoming export user now."""
        return self.has_password or self.confirmed

    @property
    def may_connect(self) -> bool:
        """Tell whether the name is valid and consent is given where it is needed."""
        return not self.is_new or self.draft is not None or self.form.is_valid()

    @cached_property
    def credentials_form(self) -> CredentialsForm:
        data = self._data if self.draft is not None and self._tried else None
        return CredentialsForm(data, inputs=self._inputs(), initial=self.draft.options if self.draft else {})

    @property
    def needs(self) -> Sequence[str]:
        """Return what is missing before Save, beside the fields themselves."""
        missing = []
        replacing = self.draft is not None and self.draft.replacing
        if not self.is_connected and (self.is_new or replacing):
            missing.append(self.destination.authenticate_label)
        if self.is_new and self.export_user is None:
            missing.append(_("Add yourself as export user"))
        return missing

    @property
    def focus(self) -> str:
        """Return what takes the focus after a step: credentials, password, connected or export_user; else
        empty."""
        if not self.step or self.is_checking:
            return ""
        if self.is_typing:
            return "credentials"
        if self.step == "export_user" or (self.step == "check" and self.export_user is None):
            return "export_user" if self.export_user is not None else "password"
        return "connected"

    def place_focus(self) -> None:
        """Mark the input that takes the focus; what is no input is marked in the template."""
        form = {"credentials": self.credentials_form, "password": self.password_form}.get(self.focus)
        if form is not None:
            list(form.fields.values())[-1].widget.attrs["autofocus"] = True

    # -- steps -----------------------------------------------------------------------------------------------

    _tried = False

    def authenticate(self) -> None:
        """Keep the typed credentials, encrypted, to be checked next; add errors for what is missing."""
        draft = self._draft
        self._tried = True
        if draft.sealed:  # typed a moment ago; what the check asked for may come alone
            for field in self.credentials_form.fields.values():
                field.required = False
        if not self.credentials_form.is_valid():
            return
        typed = {name: value for name, value in self.credentials_form.cleaned_data.items() if value}
        secret = {asked.name for asked in self.destination.credential_fields() if asked.secret}
        draft.keep_secrets(draft.secrets() | {name: value for name, value in typed.items() if name in secret})
        draft.options = {name: value.strip() for name, value in typed.items() if name not in secret}
        draft.checking, draft.steps = True, []

    def check(self) -> None:
        """Check the typed credentials, and keep what was found."""
        draft = self._draft
        draft.checking = False
        try:
            found = credentials.check_typed(self.connection, draft.secrets(), draft.options)
        except (NotConnected, CannotDecrypt) as error:
            self.problem = str(error)
            return
        draft.tell(found.steps)
        draft.asks_for = found.asks_for
        draft.verified = found.ok
        if found.ok:
            draft.options = draft.options | found.learned

    def check_stored(self) -> None:
        """Check the stored credentials; when they work again, exports can run at once."""
        try:
            found = credentials.check_stored(self.connection)
        except NotConnected as error:
            self.problem = str(error)
            return
        self._draft.tell(found.steps)
        if found.ok:
            vault.mark_connected(by=self.user, connection=self.connection)

    def replace(self) -> None:
        """Ask for other credentials."""
        self._draft.forget_secrets()
        self._draft.replacing = self.connection.credentials is not None

    def keep(self) -> None:
        """Stay with those that are stored."""
        self._draft.forget_secrets()
        self._draft.replacing = False

    def add_export_user(self) -> None:
        """Make the signed-in user the export user, if they confirm their identity: with their password, or by
        single sign-on where that is their only way in."""
        if not self.is_connected:
            return
        if not self.has_password:
            self._draft.export_user = self._draft.export_user or self.confirmed
            return
        self.password_form = PasswordForm(self._data)
        if not self.password_form.is_valid():
            return
        password = self.password_form.cleaned_data["password"]
        try:
            right = reauthentication.check_password(self.user, password, self.from_address)
        except lockout.Locked as locked:
            self.password_form.add_error("password", locked.sentence)
            return
        if not right:
            self.password_form.add_error("password", _("Incorrect password. Nothing was changed."))
        self._draft.export_user = self._draft.export_user or right

    @transaction.atomic
    def save(self, version: int) -> Connection:
        """Write all of it. Raises NameTaken, StaleEdit, Gone."""
        cleaned = self.form.cleaned_data
        connection = self._saved(cleaned["name"], version)
        if self.limits_form.is_valid() and (limits := self.limits_form.result) is not None:
            actions.set_limits(by=self.user, connection=connection, limits=limits)
            if calls := self.limits_form.calls:
                actions.set_max_in_flight(by=self.user, connection=connection, calls=calls)
        draft = self.draft
        if draft is not None and draft.verified:
            actions.set_credentials(
                by=self.user, connection=connection, secrets=draft.secrets(), options=draft.options
            )
        if cleaned.get("agree") and self.consent is None:
            actions.give_consent(
                by=self.user,
                connection=connection,
                language=cleaned["consent_language"],
                given_from=self.from_address,
            )
        if draft is not None and draft.export_user:
            actions.add_export_user(by=self.user, connection=connection)
        return connection

    def _saved(self, name: str, version: int) -> Connection:
        roles = self.form.roles
        if not self.is_new:
            return actions.edit(
                by=self.user, connection=self.connection, version=version, name=name, allowed_roles=roles
            )
        return actions.create(
            by=self.user,
            destination_key=self.connection.destination_key,
            environment=self.connection.environment,
            name=name,
            allowed_roles=roles,
        )

    @property
    def _draft(self) -> Draft:
        if self.draft is None:
            raise LookupError("this step needs a draft")
        return self.draft

    def _inputs(self) -> list[InputField]:
        """Return the inputs to show: the required ones, and the one that the check asked for."""
        asks_for = self.draft.asks_for if self.draft is not None else ""
        fields = self.destination.credential_fields()
        return [asked for asked in fields if asked.required or asked.name == asks_for]
