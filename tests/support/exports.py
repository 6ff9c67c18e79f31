"""Make all that an export needs, one line each: a connection to a running sandbox, a refreshed segment."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.core.management import call_command

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.jobs import clock
from connections import actions as connection_actions
from connections import credentials
from connections.models import Connection, Environment
from exports.actions import manage
from exports.models import Export
from segments.models import Segment
from tests.support import profiles

API_KEY = "sandbox-api-key"


class Sandbox(Protocol):
    """A running sandbox; settings.CAMPAIGN_MONITOR_SANDBOX_URL has to say the same address."""

    @property
    def url(self) -> str: ...


def sandbox_connection(
    sandbox: Sandbox | None = None, *, by: User | None = None, shared: bool = True, name: str = "Sandbox"
) -> Connection:
    """A connection to the sandbox that is ready to use: connected, agreed to, with an export user. ``shared``
    lets contributors use it; ``by`` is an administrator, found or made when not given."""
    by = by or an_administrator()
    connection = connection_actions.create(
        by=by,
        destination_key="campaign_monitor",
        environment=Environment.SANDBOX,
        name=name,
        allowed_roles=[Role.CONTRIBUTOR] if shared else [],
    )
    connection_actions.set_credentials(
        by=by, connection=connection, secrets={"api_key": API_KEY}, options={"account_name": "Sandbox client"}
    )
    connection_actions.give_consent(by=by, connection=connection)
    connection_actions.add_export_user(by=by, connection=connection)
    return connection


def segment_of_everyone(name: str = "Everyone", rules: dict[str, Any] | None = None) -> Segment:
    """Make a refreshed segment: of all profiles, or of those that ``rules`` find."""
    segment, _created = Segment.objects.get_or_create(name=name, defaults={"rules": rules or {}})
    if rules:
        call_command("refresh_segments", segment.name)
        segment.refresh_from_db()
        return segment
    profiles.add_all_profiles(segment)
    segment.refreshed_at = clock.now()
    segment.save()
    return segment


def export_to(
    sandbox: Sandbox | None,
    connection: Connection,
    segment: Segment | Sequence[Segment],
    *,
    list_id: str | None = None,
    mapping: Sequence[Mapping[str, str]] = (),
    consent: str = "unchanged",
    name: str = "Newsletter",
    email_attribute: str = "email",
    opt_in_mail_accepted: bool = False,
    by: User | None = None,
) -> Export:
    """An export of the segment(s) to a list of the sandbox, its first list when none is named. ``mapping`` holds
    pairs such as ``{"attribute": "first_name", "field": "name"}``. Nothing runs by this."""
    details = None
    if sandbox is not None or list_id is None:
        destination, access = connection.destination, credentials.access(connection)
        list_id = list_id or destination.lists(access)[0].list_id
        details = destination.list_details(access, list_id)
    settings = manage.ExportSettings(
        name=name,
        connection=connection,
        list_id=list_id or "",
        list_title=details.title if details else "Newsletter",
        list_confirmed_opt_in=bool(details and details.opt_in == "confirmed"),
        list_group=details.group_id if details else "",
        email_attribute=email_attribute,
        segments=[segment] if isinstance(segment, Segment) else list(segment),
        mapping=list(mapping),
        answers={"consent_to_track": consent},
        opt_in_mail_accepted=opt_in_mail_accepted,
    )
    return manage.create(settings, by=by)


def an_administrator() -> User:
    """One that is there, or Alice."""
    found = User.objects.filter(role=Role.ADMINISTRATOR).order_by("pk").first()
    return found or User.objects.create_user("alice", "a-long-password", role=Role.ADMINISTRATOR)
