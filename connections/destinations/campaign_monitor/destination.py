"""Implement the Campaign Monitor destination: connect, look up lists and subscribers, create fields, send
batches."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypedDict

from django.conf import settings as django_settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.destinations.base import CampaignReader, Destination, Sender, SubscriberReader
from connections.destinations.campaign_monitor import (
    authentication,
    campaigns,
    client_time,
    encode,
    error_codes,
    removal,
    webhooks,
    wire,
)
from connections.destinations.campaign_monitor import options as campaign_monitor_options
from connections.destinations.campaign_monitor.authentication import CampaignMonitorOAuth
from connections.destinations.campaign_monitor.client import Client, ParallelCalls
from connections.destinations.campaign_monitor.list_reader import ListReader
from connections.destinations.campaign_monitor.live_check import Prober, verify
from connections.destinations.campaign_monitor.subscriber_values import bare_key
from connections.destinations.campaign_monitor.wire import NamedId
from connections.destinations.errors import NeedsAdministrator, PermanentError
from connections.destinations.subscribers import RegisteredWebhook, WebhookCall
from connections.destinations.values import (
    Access,
    BatchOperation,
    BatchReceipt,
    CallObserver,
    Capabilities,
    CheckStep,
    Finding,
    InputField,
    ListDetails,
    ListOptIn,
    ListSummary,
    Mark,
    NewField,
    Preparer,
    Question,
    RemovalTrace,
    Renew,
    SendGuard,
    Sending,
    SendSettings,
    SubscriberState,
    TargetField,
    UnsubscribeScope,
)

# What every list has beside its own fields.
_FIELDS_OF_EVERY_LIST = (
    TargetField(key=encode.NAME_KEY, label="Name", data_type="text"),
    TargetField(key=campaign_monitor_options.MOBILE_KEY, label="Mobile number", data_type="mobile"),
)


_NO_CLIENT = NamedId("", "")

# The states of a person, as the vendor writes them.
_STATES = {
    "Active": gettext_lazy("Active"),
    "Unconfirmed": gettext_lazy("Unconfirmed"),
    "Unsubscribed": gettext_lazy("Unsubscribed"),
    "Bounced": gettext_lazy("Bounced"),
    "Deleted": gettext_lazy("Deleted"),
    "Suppressed": gettext_lazy("Suppressed"),
}


class _ClientOptions(TypedDict):
    """The arguments that open a client."""

    api_key: str
    token: str
    renew: Renew | None
    check_may_send: SendGuard
    observe: CallObserver


class CampaignMonitor(Destination):
    """Lists of email subscribers, filled by imports of 1,000 contacts."""

    key = "campaign_monitor"
    label = "Campaign Monitor"
    description = gettext_lazy(
        "Keep a list of email subscribers in Campaign Monitor up to date with your segments."
    )
    icon = "img/campaign-monitor.svg"
    oauth = CampaignMonitorOAuth()
    capabilities = Capabilities(
        batch_rows=1000,
        batch_bytes=4 * 1024 * 1024,
        operations=frozenset(BatchOperation),
        removes_people=True,
        creates_fields=tuple(wire.DATA_TYPES.values()),
        reads_people=True,
        lists_subscribers=True,
        calls_webhooks=True,
        reads_campaigns=True,
        codes_beside_state=frozenset({str(error_codes.ON_SUPPRESSION_LIST)}),
    )
    keeps_of_removed = gettext_lazy(
        "Campaign Monitor keeps a removed subscriber as a record with the state Deleted, with "
        "data and history. To erase the record, permanently erase the person in Campaign "
        "Monitor, or ask its support."
    )

    @property
    def live_url(self) -> str:
        return str(django_settings.CAMPAIGN_MONITOR_API_URL)

    @property
    def sandbox_url(self) -> str:
        return str(django_settings.CAMPAIGN_MONITOR_SANDBOX_URL)

    @property
    def call_seconds(self) -> float:
        return float(django_settings.CAMPAIGN_MONITOR_READ_SECONDS)

    @property
    def list_id_help(self) -> str:
        return _(
            "In Campaign Monitor, open the list and select Settings, “List API ID”. The ID is "
            "validated automatically."
        )

    def one_way_to_write(self, list_id: str) -> str:
        """Return the list ID in lower-case hexadecimal, as the vendor writes it."""
        return list_id.strip().lower()

    def credential_fields(self) -> Sequence[InputField]:
        return [
            InputField(
                name="api_key",
                label=_("API key"),
                help_text=_("In Campaign Monitor: your profile, Account settings, API keys, Generate API key."),
                secret=True,
            ),
            InputField(
                name=authentication.CLIENT_ID,
                label=_("Client ID"),
                help_text=_("In Campaign Monitor: the client’s settings, API keys, “API client ID”."),
                required=False,
            ),
        ]

    def questions(self) -> Sequence[Question]:
        return campaign_monitor_options.all_questions()

    def check(self, access: Access) -> Sequence[CheckStep]:
        with _client(access) as client:
            return authentication.check_connection(
                client, access.options, by_token="access_token" in access.credentials
            )

    def lists(self, access: Access) -> Sequence[ListSummary]:
        with _client(access) as client:
            return [
                ListSummary(list_id=found.id, title=found.name, group=owner.name, group_id=owner.id)
                for owner in _owners(client, access)
                for found in client.lists(owner.id)
            ]

    def list_details(
        self,
        access: Access,
        list_id: str,
        *,
        with_group: bool = True,
        with_clock: bool = False,
        group_id: str = "",
    ) -> ListDetails:
        known = NamedId(group_id, "") if group_id else None
        with ParallelCalls(partial(_client, access)) as calls:
            settings = calls.submit(lambda client: client.list_settings(list_id))
            active = calls.submit(lambda client: client.active_people(list_id))
            fields = calls.submit(partial(_fields, list_id))
            clock = calls.submit(Client.system_clock) if with_clock else None
            group = known or _NO_CLIENT
            if known is None and (with_group or with_clock):
                group = calls.submit(partial(_owner_of, list_id, access)).result()
            time_zone = calls.submit(partial(_time_zone_of, group)) if with_clock else None
        found = settings.result()
        return ListDetails(
            list_id=list_id,
            title=found.title,
            group=group.name,
            group_id=group.id,
            opt_in=ListOptIn.CONFIRMED if found.confirmed_opt_in else ListOptIn.SINGLE,
            unsubscribe_scope=(
                UnsubscribeScope.ALL_LISTS if found.unsubscribes_everywhere else UnsubscribeScope.THIS_LIST
            ),
            active_people=active.result(),
            fields=[*_FIELDS_OF_EVERY_LIST, *fields.result()],
            clock=client_time.in_time_zone(clock.result(), time_zone.result()) if clock and time_zone else "",
            clock_zone_known=not clock
            or not time_zone
            or client_time.is_known(clock.result(), time_zone.result()),
        )

    def create_field(self, access: Access, list_id: str, field: NewField) -> TargetField:
        with _client(access) as client:
            key = client.create_custom_field(list_id, field)
            return TargetField(key, field.label, field.data_type, field.options)

    def add_options(self, access: Access, list_id: str, field_key: str, options: Sequence[str]) -> None:
        with _client(access) as client:
            client.add_field_options(list_id, field_key, options)

    def verify(self, access: Access, *, group_id: str = "", thousand: bool = False) -> Iterable[Finding]:
        with Prober(access.base_url, **_client_options(access)) as prober:
            owners = [owner for owner in _owners(prober, access) if not group_id or owner.id == group_id]
            if not owners:
                raise PermanentError(_("The account has no client with this ID."))
            yield from verify(prober, owners[0].id, thousand=thousand)

    def leaves_out_values(self, answers: Mapping[str, str]) -> bool:
        return not campaign_monitor_options.excludes_unusable(answers)

    def preparer(self, settings: SendSettings) -> Preparer:
        return encode.preparer(settings)

    @contextmanager
    def open_sender(self, access: Access) -> Iterator[Sender]:
        with _client(access) as client:
            yield SubscriberSender(client)

    def active_people(self, access: Access, list_id: str) -> int | None:
        with _client(access) as client:
            return client.active_people(list_id)

    def clock(self, access: Access) -> str:
        with _client(access) as client:
            return client.system_date()

    def removal_payload(self, email: str, first_sent: Sending) -> str:
        return removal.payload(email, first_sent)

    def calls_to_remove(self, operation: BatchOperation, people: int) -> int:
        """Each contact is looked up and then removed. Marks are written by import; before each import a page of
        the latest active subscribers is read."""
        return 2 * (
            math.ceil(people / self.capabilities.batch_rows) if operation is BatchOperation.MARK else people
        )

    def sent_values(self, payload: str, settings: SendSettings) -> Mapping[str, str]:
        return encode.sent_values(payload)

    def payload_without_mark(self, payload: str, mark: Mark) -> str:
        return removal.payload_without_mark(payload, mark)

    def restore_payload(self, payload: str, trace: RemovalTrace) -> str:
        return removal.restore_payload(payload, trace)

    def find_person(self, access: Access, list_id: str, email: str) -> SubscriberState | None:
        with _client(access) as client:
            found = client.subscriber(list_id, email)
        return SubscriberState(str(_STATES.get(found.state, found.state)), found.joined) if found else None

    def empty_fields(self, access: Access, list_id: str, email: str, keys: Sequence[str]) -> set[str]:
        with _client(access) as client:
            found = client.subscriber(list_id, email)
        if found is None:
            return set()
        return {key for key in keys if key.startswith("[") and bare_key(key) not in found.values}

    @contextmanager
    def open_reader(self, access: Access) -> Iterator[SubscriberReader]:
        with _client(access) as client:
            yield ListReader(client)

    @contextmanager
    def open_campaigns(self, access: Access) -> Iterator[CampaignReader]:
        with _client(access) as client:
            yield campaigns.ClientCampaigns(client)

    def webhooks(self, access: Access, list_id: str) -> Sequence[RegisteredWebhook]:
        with _client(access) as client:
            return client.webhooks(list_id)

    def create_webhook(self, access: Access, list_id: str, address: str) -> str:
        with _client(access) as client:
            return client.create_webhook(list_id, address)

    def activate_webhook(self, access: Access, list_id: str, webhook_id: str) -> None:
        with _client(access) as client:
            client.activate_webhook(list_id, webhook_id)

    def delete_webhook(self, access: Access, list_id: str, webhook_id: str) -> None:
        with _client(access) as client:
            client.delete_webhook(list_id, webhook_id)

    def read_webhook_call(self, body: bytes) -> WebhookCall | None:
        return webhooks.read_call(body)

    def remove_person(self, access: Access, list_id: str, email: str) -> bool:
        with _client(access) as client:
            return client.delete_subscriber(list_id, email)


class SubscriberSender(Sender):
    """Sends batches over a kept-alive connection: as imports, or one call per contact where there is no other
    way."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, payloads: Sequence[str], settings: SendSettings) -> BatchReceipt:
        def import_rows(chosen: Sequence[str], *, resubscribe: bool) -> BatchReceipt:
            return self._client.import_subscribers(
                settings.list_id,
                chosen,
                resubscribe=resubscribe,
                starts_automations=campaign_monitor_options.starts_automations(settings.answers),
                restarts_automations=campaign_monitor_options.restarts_automations(settings.answers),
            )

        match settings.operation:
            case BatchOperation.SEND | BatchOperation.RESUBSCRIBE:
                return import_rows(payloads, resubscribe=settings.operation is BatchOperation.RESUBSCRIBE)
            case BatchOperation.READD:
                return removal.readd_deleted(import_rows, payloads)
            case BatchOperation.RESTORE:
                return removal.restore(self._client, settings, import_rows, payloads)
            case _:
                return removal.Remover(self._client, settings).remove(payloads)


def _client(access: Access) -> Client:
    return Client(access.base_url, **_client_options(access))


def _client_options(access: Access) -> _ClientOptions:
    """Return the key, or a token that can be renewed, and the guard of every request."""
    secrets = access.credentials
    return {
        "api_key": secrets.get("api_key", ""),
        "token": secrets.get("access_token", ""),
        "renew": access.renew,
        "check_may_send": access.check_may_send,
        "observe": access.observe,
    }


def _owners(client: Client, access: Access) -> Sequence[NamedId]:
    """Return the clients whose lists the key can access: all of the account, or that of a client key."""
    if client_id := access.options.get(authentication.CLIENT_ID):
        return [NamedId(client_id, access.options.get(authentication.ACCOUNT_NAME, ""))]
    return client.clients()


def _owner_of(list_id: str, access: Access, client: Client) -> NamedId:
    """Find the client of a list, which a list does not name; an empty one when no client has it."""
    try:
        for owner in _owners(client, access):
            if any(found.id == list_id for found in client.lists(owner.id)):
                return owner
    except (PermanentError, NeedsAdministrator):
        pass  # the list itself was readable, and that is what counts
    return _NO_CLIENT


def _time_zone_of(owner: NamedId, client: Client) -> str:
    """Return the name of the time zone of a client's list dates; empty where it cannot be read."""
    try:
        return client.client_time_zone(owner.id) if owner.id else ""
    except (PermanentError, NeedsAdministrator):
        return ""  # the list itself was readable, and that is what counts


def _fields(list_id: str, client: Client) -> list[TargetField]:
    """Return the custom fields of a list; a country field without options gets the vendor's countries."""
    fields = client.custom_fields(list_id)
    if not any(field.data_type == "country" and not field.options for field in fields):
        return fields
    countries = tuple(client.countries())
    return [
        replace(field, options=countries) if field.data_type == "country" and not field.options else field
        for field in fields
    ]


DESTINATION = CampaignMonitor()
