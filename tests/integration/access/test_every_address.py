"""Request every address of the system with GET and POST as each role. An address without a line here fails, so
that none is added without its roles."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.urls import GUESSED_ADDRESSES
from connections.models import Connection
from exports.actions import runs
from segments.models import Erasure, ImportJob, ProfileAttribute
from tests.support import exports
from tests.support.profiles import create_profiles, get_profile

DOOR = "/accounts/sign-in/"
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")  # <int:run_id> in a route
STRANGER = "stranger"
ADMINISTRATORS: list[str] = [Role.ADMINISTRATOR]
CONTRIBUTORS = [Role.CONTRIBUTOR, *ADMINISTRATORS]
VIEWERS = [Role.VIEWER, *CONTRIBUTORS]  # all who are signed in
ALL_VISITORS = [STRANGER, *VIEWERS]


@dataclass(frozen=True)
class Address:
    """Who may look (GET) and who may do (POST; the same roles unless told). ``of``: the thing it is the address
    of; ``place``: what else stands in it. ``private``: who may do it while the export's connection is not
    shared with contributors."""

    look: list[str]
    do: list[str] = field(default_factory=list)
    of: str = ""
    place: dict[str, str] = field(default_factory=dict)
    private: list[str] | None = None


def of_export(look: list[str], do: list[str], of: str = "export") -> Address:
    """Something that contributors do where the connection is shared with them, and administrators everywhere."""
    return Address(look, do, of, private=ADMINISTRATORS)


ADDRESSES = {
    "healthz": Address(ALL_VISITORS),
    "readyz": Address(ALL_VISITORS),
    "metrics": Address(ALL_VISITORS),
    "api_docs": Address(VIEWERS),
    "system:home": Address(VIEWERS),
    "system:home_live": Address(VIEWERS),
    "system:hide_guide": Address([], VIEWERS),
    "system:find": Address(VIEWERS),
    "system:status": Address(VIEWERS),
    "system:status_live": Address(VIEWERS),
    "system:health": Address(VIEWERS),
    "system:refresh_all": Address(ADMINISTRATORS),
    "system:schedule": Address(VIEWERS, ADMINISTRATORS),
    "system:api_usage": Address(ADMINISTRATORS),
    "system:tasks": Address(VIEWERS, place={"key": "export"}),
    "system:last_runs": Address(VIEWERS, of="export", place={"key": "export"}),
    "system:progress": Address(VIEWERS, of="run", place={"key": "export"}),
    "system:progress_live": Address(VIEWERS, of="run", place={"key": "export"}),
    "system:cancel": Address(CONTRIBUTORS, of="run", place={"key": "export"}, private=ADMINISTRATORS),
    "system:notifications": Address(ADMINISTRATORS),
    "system:send_test": Address(ADMINISTRATORS),
    "system:my_notifications": Address(VIEWERS),
    "system:webhooks": Address(ADMINISTRATORS),
    "system:add_webhook": Address(ADMINISTRATORS),
    **{
        f"system:{operation}": Address(ADMINISTRATORS, place={"webhook_id": "0"})
        for operation in ("webhook", "edit_webhook", "test_webhook", "replace_secret", "remove_webhook")
    },
    "system:delivery": Address(ADMINISTRATORS, place={"delivery_id": "0"}),
    "system:resend": Address(ADMINISTRATORS, place={"delivery_id": "0"}),
    "system:general": Address(VIEWERS),
    "system:general_preview": Address(VIEWERS),
    "system:names": Address(ADMINISTRATORS),
    "system:about": Address(VIEWERS),
    "system:retention": Address(VIEWERS),
    "system:help_index": Address(VIEWERS),
    "system:help": Address(VIEWERS, place={"page": "exports-and-runs"}),
    "accounts:sign_in": Address(ALL_VISITORS),
    "accounts:sign_out": Address(ALL_VISITORS),
    "accounts:single_sign_on": Address(ALL_VISITORS),
    "accounts:confirm": Address(VIEWERS),
    "accounts:change_password": Address(VIEWERS),
    "accounts:end_other_sessions": Address(VIEWERS),
    "accounts:end_session": Address(VIEWERS, place={"session_id": "0"}),
    "accounts:first_account": Address(ALL_VISITORS, place={"token": "none"}),
    "accounts:forgotten": Address(ALL_VISITORS),
    "accounts:choose_password": Address(ALL_VISITORS, place={"uidb64": "MQ", "token": "none"}),
    "accounts:permissions": Address(ADMINISTRATORS),
    "accounts:add_user": Address(ADMINISTRATORS),
    **{
        f"accounts:{operation}": Address(ADMINISTRATORS, of="user")
        for operation in (
            "edit_user",
            "set_password",
            "deactivate",
            "remove",
            "reset_second_factor",
            "invite_again",
            "activate",
        )
    },
    "accounts:api_tokens": Address(VIEWERS),
    "accounts:revoke_token": Address(VIEWERS, place={"token_id": "0"}),
    "accounts:service_accounts": Address(ADMINISTRATORS),
    "accounts:service_account": Address(ADMINISTRATORS, place={"user_id": "0"}),
    "accounts:service_account_role": Address(ADMINISTRATORS, place={"user_id": "0"}),
    "account_login": Address(ALL_VISITORS),
    "account_logout": Address(ALL_VISITORS),
    "mfa_authenticate": Address(ALL_VISITORS),
    "account_reauthenticate": Address(VIEWERS),
    "mfa_reauthenticate": Address(VIEWERS),
    "mfa_index": Address(VIEWERS),
    "mfa_activate_totp": Address(VIEWERS),
    "mfa_deactivate_totp": Address(VIEWERS),
    "mfa_view_recovery_codes": Address(VIEWERS),
    "mfa_generate_recovery_codes": Address(VIEWERS),
    "mfa_download_recovery_codes": Address(VIEWERS),
    "openid_connect_callback": Address(ALL_VISITORS, place={"provider_id": "single-sign-on"}),
    **{
        name: Address(ALL_VISITORS)
        for name in (
            "account_signup",
            "account_inactive",
            "account_email_verification_sent",
            "openid_connect_login",
            "socialaccount_login_cancelled",
            "socialaccount_login_error",
            "socialaccount_signup",
            "socialaccount_connections",
        )
    },
    "exports:campaigns": Address(VIEWERS, of="export"),
    "exports:list_state": Address(VIEWERS, of="export"),
    "exports:list_state_download": Address(CONTRIBUTORS, of="export"),
    "exports:suppressions": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:remove_suppressions": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:repair_list": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:compare_list": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:list_webhook": Address(ALL_VISITORS, place={"webhook_id": "1", "secret": "none"}),
    "audit:list": Address(ADMINISTRATORS),
    "audit:download": Address(ADMINISTRATORS),
    "connections:list": Address(ADMINISTRATORS),
    "connections:discover": Address(ADMINISTRATORS),
    "connections:add": Address(ADMINISTRATORS, place={"destination_key": "campaign_monitor"}),
    "connections:consent": Address(ADMINISTRATORS, place={"destination_key": "campaign_monitor"}),
    "connections:authorized": Address(ADMINISTRATORS),
    "connections:edit": Address(ADMINISTRATORS, of="connection"),
    "connections:remove": Address(ADMINISTRATORS, of="connection"),
    "connections:pause": Address(ADMINISTRATORS, of="connection"),
    "connections:resume": Address(ADMINISTRATORS, of="connection"),
    "segments:customers": Address(VIEWERS),
    "segments:customer": Address(VIEWERS, of="profile"),
    "segments:download": Address(ADMINISTRATORS, of="profile"),
    "segments:erase": Address(ADMINISTRATORS, of="profile"),
    "segments:erasures": Address(ADMINISTRATORS),
    "segments:erasure": Address(ADMINISTRATORS, of="erasure"),
    "segments:erasure_live": Address(ADMINISTRATORS, of="erasure"),
    "segments:data_sources": Address(VIEWERS),
    "segments:upload": Address(CONTRIBUTORS),
    "segments:database": Address(ADMINISTRATORS),
    "segments:source_schedule": Address(CONTRIBUTORS, of="source"),
    "segments:watched_folder": Address(ADMINISTRATORS),
    "segments:watched_bucket": Address(ADMINISTRATORS),
    "segments:upload_leaving": Address(CONTRIBUTORS),
    "segments:refresh_sources": Address(CONTRIBUTORS, of="source"),
    "segments:remove_source": Address(CONTRIBUTORS, of="source"),
    "segments:attributes": Address(VIEWERS),
    "segments:make_searchable": Address(CONTRIBUTORS, of="attribute"),
    "segments:exclude_from_search": Address(CONTRIBUTORS, of="attribute"),
    "segments:rename_attribute": Address(CONTRIBUTORS, of="attribute"),
    "segments:retype_attribute": Address(CONTRIBUTORS, of="attribute"),
    "segments:merge_attribute": Address(CONTRIBUTORS, of="attribute"),
    "segments:attribute_change": Address(VIEWERS),
    "segments:cancel_attribute_change": Address(CONTRIBUTORS),
    "segments:delete_attribute": Address(CONTRIBUTORS, of="attribute"),
    "segments:identity": Address(ADMINISTRATORS),
    "segments:identity_live": Address(ADMINISTRATORS),
    "segments:edit_identity": Address(ADMINISTRATORS),
    "segments:import": Address(VIEWERS, of="job"),
    "segments:import_live": Address(VIEWERS, of="job"),
    "segments:cancel_import": Address(CONTRIBUTORS, of="job"),
    "segments:confirm_removals": Address(CONTRIBUTORS, of="job"),
    "segments:leaving": Address(CONTRIBUTORS, of="job"),
    "segments:rejected_rows": Address(CONTRIBUTORS, of="job"),
    "segments:list": Address(VIEWERS),
    "segments:statuses": Address(VIEWERS),
    "segments:refresh": Address(CONTRIBUTORS, of="segment"),
    "segments:schedule": Address(CONTRIBUTORS, of="segment"),
    "segments:tag": Address(CONTRIBUTORS, of="segment"),
    "segments:remove_many": Address(CONTRIBUTORS, of="segment"),
    "segments:members_many": Address(CONTRIBUTORS, of="segment"),
    "segments:add": Address(CONTRIBUTORS),
    "segments:attribute_choices": Address(CONTRIBUTORS),
    "segments:suggestions": Address(CONTRIBUTORS),
    "segments:detail": Address(VIEWERS, of="segment"),
    "segments:live": Address(VIEWERS, of="segment"),
    "segments:overlap": Address(VIEWERS, of="segment"),
    "segments:edit": Address(CONTRIBUTORS, of="segment"),
    "segments:remove": Address(CONTRIBUTORS, of="segment"),
    "segments:duplicate": Address(CONTRIBUTORS, of="segment"),
    "segments:manage": Address(CONTRIBUTORS, of="segment"),
    "segments:members": Address(CONTRIBUTORS, of="segment"),
    "segments:activate": Address(CONTRIBUTORS, of="segment"),
    "segments:deactivate": Address(CONTRIBUTORS, of="segment"),
    "segments:make_static": Address(CONTRIBUTORS, of="segment"),
    "segments:exclude": Address(ADMINISTRATORS, of="segment"),
    "segments:stop_excluding": Address(ADMINISTRATORS, of="segment"),
    "segments:make_dynamic": Address(CONTRIBUTORS, of="segment"),
    "exports:list": Address(VIEWERS),
    "exports:statuses": Address(VIEWERS),
    "exports:detach": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:remove_many": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:add": Address(CONTRIBUTORS),
    "exports:ask_again": of_export(CONTRIBUTORS, CONTRIBUTORS, of="run"),
    "exports:parts": Address(CONTRIBUTORS),
    "exports:create_field": Address(CONTRIBUTORS),
    "exports:create_control_field": Address(CONTRIBUTORS),
    "exports:add_options": Address(CONTRIBUTORS),
    "exports:edit": of_export(VIEWERS, CONTRIBUTORS),
    "exports:effect": Address(CONTRIBUTORS, CONTRIBUTORS, of="export", place={"key": "0"}),
    "exports:duplicate": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:remove": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:start": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:clear_earlier": Address(CONTRIBUTORS, of="export", place={"set_id": "1"}, private=ADMINISTRATORS),
    "exports:send_one": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:tell_also": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:person": Address(CONTRIBUTORS),
    "exports:person_standing": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:runs": Address(VIEWERS, of="export"),
    "exports:preview": of_export(VIEWERS, CONTRIBUTORS),
    "exports:preview_live": Address(VIEWERS, of="export"),
    "exports:preview_contacts": Address(VIEWERS, of="export"),
    "exports:preview_contacts_download": Address(CONTRIBUTORS, of="export"),
    "exports:refresh_and_run": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:run": Address(VIEWERS, of="run"),
    "exports:run_live": Address(VIEWERS, of="run"),
    "exports:cancel": of_export(CONTRIBUTORS, CONTRIBUTORS, of="run"),
    "exports:contacts": Address(VIEWERS, of="run"),
    "exports:contacts_download": Address(CONTRIBUTORS, of="run"),
    "exports:batches": Address(VIEWERS, of="run"),
    "exports:batch": Address(VIEWERS, of="run", place={"number": "1"}),
    "exports:confirm_removals": of_export(CONTRIBUTORS, CONTRIBUTORS, of="run"),
    "exports:restore_removed": of_export(CONTRIBUTORS, CONTRIBUTORS, of="run"),
    "exports:send_again": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:run_all": Address(CONTRIBUTORS),
    "exports:tag": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:schedule": of_export(CONTRIBUTORS, CONTRIBUTORS),
    "exports:run_settings": Address(VIEWERS, of="run"),
    **{f"{each}/": Address(VIEWERS) for each in GUESSED_ADDRESSES},
    "data/exports/{export_id}/preview/people/": Address(VIEWERS, of="export"),
    "data/exports/{export_id}/preview/people/download/": Address(VIEWERS, of="export"),
    "data/runs/{run_id}/people/": Address(VIEWERS, of="run"),
    "data/runs/{run_id}/people/download/": Address(VIEWERS, of="run"),
}


def _patterns(resolver: URLResolver, namespace: str = "", before: str = "/") -> Iterator[tuple[str, str]]:
    """The name of every address, or its route where it has none, and the address with its places in braces."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            route = _PLACE.sub(r"{\1}", str(pattern.pattern))
            yield (f"{namespace}{pattern.name}" if pattern.name else route), f"{before}{route}"
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _patterns(pattern, inner, f"{before}{pattern.pattern}")


# Programs call these with a secret in the address; the session of a user means nothing there.
WITHOUT_SESSIONS = {"exports:list_webhook"}
# Addresses of the REST API count no session; tests/integration/api/ requests them with tokens.
FOUND = {name: url for name, url in _patterns(get_resolver()) if not name.startswith("api:")}


@pytest.fixture
def cast(alice: User, bob: User, charlie: User) -> dict[str, Client]:
    """Sign in a user of each role, and one without access."""
    clients = {STRANGER: Client()}
    for user in (alice, bob, charlie):
        clients[user.role] = Client(raise_request_exception=False)
        clients[user.role].force_login(user)
    return clients


def ground(alice: User, *, shared: bool) -> dict[str, int]:
    """One of each kind of thing, by name: its id."""
    connection: Connection = exports.sandbox_connection(by=alice, shared=shared)
    source = create_profiles([{"email": "ann@example.com"}])
    segment = exports.segment_of_everyone()
    export = exports.export_to(None, connection, segment, list_id="a" * 32, by=alice)
    job = ImportJob.objects.create(
        source=source, file_name="x.csv", path="/x.csv", status=JobStatus.SUCCESSFUL, finished_at=clock.now()
    )
    things = {
        "connection": connection,
        "source": source,
        "attribute": ProfileAttribute.objects.get(name="email"),
        "segment": segment,
        "export": export,
        "job": job,
        "erasure": Erasure.objects.create(short_id="abc", erased_by=alice, erased_by_name="Alice"),
        "run": runs.start_run(export, by=alice),
        "user": User.objects.create_user("erin", "a-long-password", role=Role.VIEWER),
    }
    return {name: thing.pk for name, thing in things.items()} | {"profile": get_profile().id}


def test_every_address_says_who_may_use_it() -> None:
    assert FOUND.keys() - ADDRESSES.keys() == set(), "say in ADDRESSES who may use it"
    assert ADDRESSES.keys() - FOUND.keys() == set(), "these are no longer there"


def test_only_those_are_let_in(alice: User, cast: dict[str, Client]) -> None:
    ids, found = ground(alice, shared=True), []
    for name, address in ADDRESSES.items():
        found += complaints(name, ids, "GET", cast, address.look)
        found += complaints(name, ids, "POST", cast, address.do or address.look)
    assert found == []


def test_what_stands_on_a_private_connection_is_for_administrators(alice: User, cast: dict[str, Client]) -> None:
    ids, found = ground(alice, shared=False), []
    for name, address in ADDRESSES.items():
        if address.private:
            found += complaints(name, ids, "POST", cast, address.private)
    assert found == []


def test_another_site_can_do_nothing(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    ids = ground(alice, shared=True)
    answers = {name: client.post(url_of(name, ids)).status_code for name in ADDRESSES.keys() - WITHOUT_SESSIONS}
    assert {name: status for name, status in answers.items() if status not in (403, 405)} == {}


def test_pages_run_no_script_but_our_own(alice_client: Client) -> None:
    policy = alice_client.get("/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def url_of(name: str, ids: dict[str, int]) -> str:
    """The address, filled with what its line names."""
    address = ADDRESSES[name]
    places = [part for part in FOUND[name].replace("}", "{").split("{")[1::2] if part not in address.place]
    return FOUND[name].format(**address.place, **dict.fromkeys(places, ids.get(address.of)))


def complaints(
    name: str, ids: dict[str, int], method: str, cast: dict[str, Client], allowed: list[str]
) -> list[str]:
    """Request an address as each role and describe what was wrong, a sentence for each role; the data are reset
    before each."""
    address, url = ADDRESSES[name], url_of(name, ids)
    found = []
    for role, client in cast.items():
        cookies = deepcopy(client.cookies)
        with transaction.atomic():
            ask = client.get if method == "GET" else client.post
            answer = ask(url, {"selected": str(ids.get(address.of, 0))})
            transaction.set_rollback(True)
        client.cookies = cookies
        if complaint := _complaint(answer, role, allowed):
            found.append(f"{method} {url} as {role}: {answer.status_code}, {complaint}")
    return found


def _complaint(answer: HttpResponseBase, role: str, allowed: list[str]) -> str:
    led_to_the_door = answer.status_code == 302 and str(answer.get("Location", "")).startswith(DOOR)
    if answer.status_code == 500:
        return "which no role expects"
    if role in allowed:
        return "though it is theirs" if answer.status_code == 403 else ""
    if role == STRANGER:
        return "" if led_to_the_door else "though they have not signed in"
    return "" if answer.status_code in (403, 405) else "though it is not theirs"
