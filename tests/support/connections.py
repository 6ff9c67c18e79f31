"""Connections for tests of every tier."""

from collections.abc import Sequence

from config.platform.accounts.models import User
from connections import actions
from connections.models import Connection

SECRET = "a-very-secret-key"


def make_connection(
    by: User,
    name: str = "Newsletter",
    *,
    environment: str = "live",
    connected: bool = True,
    consent: bool = True,
    export_user: bool = True,
    allowed_roles: Sequence[str] = (),
) -> Connection:
    """A connection to Campaign Monitor, complete unless told otherwise; nothing is asked over the line."""
    connection = actions.create(
        by=by,
        destination_key="campaign_monitor",
        environment=environment,
        name=name,
        allowed_roles=allowed_roles,
    )
    if connected:
        options = {"key_kind": "account", "account_name": "Shop"}
        actions.set_credentials(by=by, connection=connection, secrets={"api_key": SECRET}, options=options)
    if consent:
        actions.give_consent(by=by, connection=connection)
    if export_user:
        actions.add_export_user(by=by, connection=connection)
    return connection
