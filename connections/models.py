"""Define connections: credentials for an account of a destination, with consent, roles and limits."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.permissions import Role
from config.platform.encryption.fields import EncryptedJSONField
from config.platform.jobs import clock
from connections.account import Account, Environment
from connections.destinations import registry
from connections.destinations.base import Destination
from connections.limits import Limits

# No connection may have more calls in flight at once.
MOST_IN_FLIGHT = 16


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
    # The vendor has asked for silence until then, whoever calls.
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
        return registry.get(self.destination_key)

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
    given_from = models.CharField(max_length=45, blank=True)  # the network address of whoever agreed
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
