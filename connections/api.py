"""Operations of the REST API about connections: what is not secret of them, for users who may manage them."""

from datetime import datetime

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from ninja import Router

from config.platform.api.values import PAGE_SIZE, Answer, Id, Limit, Page, page_of
from config.platform.web.htmx import Request
from connections.models import Connection, Consent, Environment
from connections.permissions import check_can_manage_connections
from connections.policies import ConnectionStatus, status_of

router = Router(tags=["Connections"])


class ConnectionOut(Answer):
    """A connection, without credentials."""

    id: int
    name: str
    destination: str
    environment: Environment
    status: ConnectionStatus
    allowed_roles: list[str]
    max_in_flight: int
    created_at: datetime


@router.get(
    "/connections", response=Page[ConnectionOut], operation_id="list_connections", summary="List connections"
)
def list_connections(request: Request, cursor: Id | None = None, limit: Limit = PAGE_SIZE) -> object:
    """List the connections with their status. Credentials are never shown."""
    check_can_manage_connections(request.user)
    return page_of(_connections(), lambda found: [_shown(each) for each in found], cursor=cursor, limit=limit)


@router.get(
    "/connections/{connection_id}",
    response=ConnectionOut,
    operation_id="get_connection",
    summary="Show a connection",
)
def get_connection(request: Request, connection_id: Id) -> object:
    """Show one connection with its status."""
    check_can_manage_connections(request.user)
    return _shown(get_object_or_404(_connections(), pk=connection_id))


def _connections() -> "QuerySet[Connection]":
    consents = Prefetch("consents", Consent.objects.only("connection_id", "text_version", "given_at"))
    return Connection.objects.select_related("export_user").prefetch_related(consents)


def _shown(connection: Connection) -> ConnectionOut:
    return ConnectionOut(
        id=connection.pk,
        name=connection.name,
        destination=connection.destination_key,
        environment=Environment(connection.environment),
        status=status_of(connection),
        allowed_roles=connection.allowed_roles,
        max_in_flight=connection.max_in_flight,
        created_at=connection.created_at,
    )
