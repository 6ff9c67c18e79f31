"""Define connections and what belongs to them: the account, limits, consents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.permissions import Role
from config.platform.encryption.fields import EncryptedJSONField
from config.platform.jobs import clock
from connections import destinations
from connections.destinations.base import Destination

# No connection may have more calls in flight at once.
MOST_IN_FLIGHT = 16


class Environment(models.TextChoices):
    """Whether a connection uses the real service or its sandbox; never changed once it is set up."""

    LIVE = "live", _("Live")
    SANDBOX = "sandbox", _("Sandbox")


@dataclass(frozen=True)
class Account:
    """A destination and an environment, as the key of the list state: in text “campaign_monitor:live”.

    List IDs are unique within a vendor, so a client ID is no part of it: two connections to one client share the
    state of its lists, whether they use a key of the account or of the client. It outlives its connections.
    """

    destination_key: str
    environment: Environment

    @classmethod
    def parse(cls, text: str) -> "Account":
        """Read the text that ``str`` writes. Raises ValueError for text of another form."""
        key, _colon, environment = text.partition(":")
        return cls(key, Environment(environment))

    def __str__(self) -> str:
        return f"{self.destination_key}:{self.environment.value}"

    @property
    def destination(self) -> Destination:
        """Return the destination. Raises KeyError when its package is no longer installed."""
        return destinations.get(self.destination_key)

    @property
    def is_sandbox(self) -> bool:
        return self.environment is Environment.SANDBOX


@dataclass(frozen=True)
class Breach:
    """One thing in an export's settings that the limits forbid. ``attribute`` names the attribute of a mapping."""

    part: str  # list_id, email_attribute, mapping or removal
    sentence: str
    attribute: str = ""


@dataclass(frozen=True)
class Limits:
    """The limits of one connection; without any, everything that an export may do is allowed."""

    lists: tuple[str, ...] = ()  # ids; empty: every list of the account
    withheld: tuple[str, ...] = ()  # attributes that never leave
    allowed: tuple[str, ...] | None = None  # None: every attribute; else no other leaves
    required_attribute: str = ""  # must be true for a person to be sent at all
    most_people: int | None = None  # what the contract allows
    may_remove: bool = True  # whether exports may take people off lists
    may_resubscribe: bool = False  # whether exports may subscribe unsubscribed contacts again

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> "Limits":
        """Read the limits from what a connection keeps."""
        values = {name: value for name, value in kept.items() if name in cls.__dataclass_fields__}
        for name in ("lists", "withheld", "allowed"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return cls(**values)

    def keep(self) -> dict[str, Any]:
        """Write the limits as a connection keeps them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def allows_list(self, list_id: str) -> bool:
        return not self.lists or list_id.casefold() in {known.casefold() for known in self.lists}

    def allows_attribute(self, name: str) -> bool:
        """Tell whether the attribute may be sent, in any case of its name."""
        if name.casefold() in _folded(self.withheld):
            return False
        return self.allowed is None or name.casefold() in _folded(self.allowed)

    def breaches(
        self, *, list_id: str, email_attribute: str, mapping: Iterable[Mapping[str, str]], removes: bool = False
    ) -> list[Breach]:
        """Return what of an export's settings the limits forbid."""
        found = []
        if removes and not self.may_remove:
            sentence = gettext("The limits of the connection do not allow exports to remove subscribers.")
            found.append(Breach("removal", sentence))
        if list_id and not self.allows_list(list_id):
            found.append(Breach("list_id", gettext("The limits of the connection do not allow this list.")))
        if email_attribute and not self.allows_attribute(email_attribute):
            found.append(Breach("email_attribute", forbidden(email_attribute), email_attribute))
        for name in dict.fromkeys(pair["attribute"] for pair in mapping):
            if name and not self.allows_attribute(name):
                found.append(Breach("mapping", forbidden(name), name))
        return found


def forbidden(attribute: str) -> str:
    """Return the sentence that an attribute may not be sent."""
    return gettext("The limits of the connection block the attribute “%(name)s”.") % {"name": attribute}


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}


def administrators_only() -> list[str]:
    return [Role.ADMINISTRATOR.value]


class Connection(models.Model):
    name = models.CharField(_("display name"), max_length=120)
    destination_key = models.CharField(max_length=40)
    environment = models.CharField(max_length=10, choices=Environment.choices, default=Environment.LIVE)
    # Roles that may put exports on it. Administrators always may, named or not.
    allowed_roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), default=administrators_only)
    credentials = EncryptedJSONField(null=True)
    # What is not secret: the kind of key, the client id of a client key, the account's name.
    options = models.JSONField(default=dict)
    # Set when the vendor refuses the credentials; empty again after a successful check.
    reconnect_reason = models.TextField(blank=True)
    export_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="export_user_of"
    )
    export_user_added_at = models.DateTimeField(null=True)
    max_in_flight = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(MOST_IN_FLIGHT)]
    )
    # The level of calls in flight that was last found to pay; 0: nothing learned yet.
    learned_in_flight = models.PositiveSmallIntegerField(default=0)
    # The vendor has asked for no calls until then, by any run.
    paused_until = models.DateTimeField(null=True)
    # An administrator has paused it: no request starts until the pause is lifted.
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # What may leave over it, as limits.Limits keeps it; empty: no limits of its own.
    limits = models.JSONField(default=dict)
    # It is removed as soon as the runs that use it have stopped: when that was requested, by which user, and what
    # then happens to each thing that uses it (the key of its usage → a hooks.OnRemoval).
    removal_asked_at = models.DateTimeField(null=True)
    removal_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    removal_choices = models.JSONField(default=dict)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="connection_name_is_unique"),
            models.CheckConstraint(
                condition=models.Q(environment__in=Environment.values), name="connection_environment_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def destination(self) -> Destination:
        return destinations.get(self.destination_key)

    @property
    def is_sandbox(self) -> bool:
        return self.environment == Environment.SANDBOX

    @property
    def limited(self) -> Limits:
        """Return the limits as a value."""
        return Limits.kept(self.limits)

    @property
    def is_being_removed(self) -> bool:
        """Tell whether the connection was removed; it is deleted as soon as no run uses it any more."""
        return self.removal_asked_at is not None

    @property
    def is_paused(self) -> bool:
        """Tell whether an administrator has paused it."""
        return self.paused_at is not None

    @property
    def account(self) -> str:
        """Return the account in text, as runs and list state keep it."""
        return str(Account(self.destination_key, Environment(self.environment)))


class Consent(models.Model):
    """One “I agree”: by which user, when, and to which text."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="consents")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    given_by_name = models.CharField(max_length=150)
    given_at = models.DateTimeField(default=clock.now)
    given_from = models.CharField(max_length=45, blank=True)  # the network address of the user who agreed
    text_version = models.CharField(max_length=20)
    language = models.CharField(max_length=10)
    text = models.TextField()

    class Meta:
        ordering = ["-given_at"]
        get_latest_by = "given_at"

    def __str__(self) -> str:
        return f"{self.given_by_name}, {clock.day_of(self.given_at).isoformat()}"

    @property
    def language_name(self) -> str:
        """Return the language in that language."""
        return dict(settings.LANGUAGES).get(self.language, self.language)
