"""Tell the page of users which connections depend on a user, and how another one takes over."""

from functools import partial

from django.db import transaction
from django.urls import reverse

from config.platform.accounts.models import User
from config.platform.accounts.ownership import Dependent
from connections import actions, policies
from connections.models import Connection
from connections.permissions import check_can_manage_connections


def depending_on(user: User) -> list[Dependent]:
    """Return the connections of which this user is the export user."""
    return [
        Dependent(
            key=f"connection-{connection.pk}",
            name=connection.name,
            url=reverse("connections:edit", args=[connection.pk]),
            step_in=partial(_step_in, connection.pk),
        )
        for connection in policies.depending_on(user)
    ]


@transaction.atomic
def _step_in(connection_id: int, by: User) -> None:
    check_can_manage_connections(by)
    connection = Connection.objects.select_for_update(of=("self",)).filter(pk=connection_id).first()
    if connection is not None:
        actions.add_export_user(by=by, connection=connection)
