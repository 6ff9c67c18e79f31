"""Define the scopes of API tokens: which permissions a token may use, of those that the role of its user has.

Managing users, the system and the rights of persons is in no scope: a stolen token never makes another one.
"""

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission


class Scope(TextChoices):
    READ = "read", _("Read")
    EXPORTS = "exports", _("Run exports")
    SEGMENTS = "segments", _("Create segments")
    SOURCES = "sources", _("Push customer profiles")
    PERSONAL_DATA = "personal_data", _("See personal data")
    CONNECTIONS = "connections", _("See connections")
    WEBHOOKS = "webhooks", _("Manage webhooks")
    AUDIT = "audit", _("View the audit log")


MEANINGS: dict[Scope, Promise] = {
    Scope.READ: _("See exports, runs, segments and data sources, without personal data."),
    Scope.EXPORTS: _("Start, cancel and confirm runs."),
    Scope.SEGMENTS: _("Create and refresh segments."),
    Scope.SOURCES: _("Create data sources and send profiles to them."),
    Scope.PERSONAL_DATA: _("Read email addresses, members and results unmasked."),
    Scope.CONNECTIONS: _("See connections and their status, never their credentials."),
    Scope.WEBHOOKS: _("Add, edit and remove webhooks, and resend events."),
    Scope.AUDIT: _("See who changed what."),
}

# Managing connections through the API means to see them. Using them for exports follows from the role.
PERMISSIONS: dict[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.EXPORT_VIEW, Permission.SEGMENT_VIEW, Permission.CUSTOMER_VIEW}),
    Scope.EXPORTS: frozenset({Permission.EXPORT_VIEW, Permission.EXPORT_MANAGE}),
    Scope.SEGMENTS: frozenset({Permission.SEGMENT_VIEW, Permission.SEGMENT_MANAGE}),
    Scope.SOURCES: frozenset({Permission.SEGMENT_VIEW, Permission.DATA_SOURCE_MANAGE}),
    Scope.PERSONAL_DATA: frozenset({Permission.PERSONAL_DATA_SEE}),
    Scope.CONNECTIONS: frozenset({Permission.CONNECTION_MANAGE}),
    Scope.WEBHOOKS: frozenset({Permission.WEBHOOK_MANAGE}),
    Scope.AUDIT: frozenset({Permission.AUDIT_VIEW}),
}


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    """Return the permissions that scopes allow together; an unknown scope allows nothing."""
    known = [PERMISSIONS[Scope(each)] for each in scopes if each in Scope.values]
    return frozenset().union(*known)


def scopes_for(user: User) -> list[Scope]:
    """Return the scopes that allow something to the role of a user."""
    return [scope for scope in Scope if any(map(user.may, PERMISSIONS[scope]))]


def labels_of(scopes: Iterable[str]) -> list[str]:
    """Return the names of scopes in the order of the form; an unknown scope as it is stored."""
    chosen = set(scopes)
    return [*(str(scope.label) for scope in Scope if scope in chosen), *sorted(chosen - set(Scope.values))]
