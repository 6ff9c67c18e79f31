"""A secret is planted, used in every way, and then looked for everywhere: it is nowhere but in its ciphertext."""

import base64
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as django_settings
from django.db import connection as database
from django.test import Client, override_settings
from pytest_django import Settings

from config.logging import Formatter
from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.encryption import rotation
from config.platform.encryption.fields import Sealed
from config.platform.jobs import clock
from config.standalone import postgres
from connections import actions, consent_text, credentials
from connections.destinations.values import Tokens
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Run
from exports.run import pipeline
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process
from tests.support.workers import database_url_of_tests, worker_processes

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "planted-5ecret-of-the-key-0815"
ACCESS = "planted-5ecret-of-the-token-4711"
REFRESH = "planted-5ecret-to-refresh-2342"
SECOND_FACTOR = "PLANTED5ECRET2OF3THE4SECOND5FACT"


def spellings(secret: str) -> list[str]:
    """A secret as it is, as Basic carries it, and as an address would."""
    return [secret, base64.b64encode(f"{secret}:x".encode()).decode().rstrip("="), quote(secret, safe="")]


def assert_nowhere(text: str, where: str) -> None:
    for secret in (KEY, ACCESS, REFRESH, SECOND_FACTOR):
        assert not any(spelling in text for spelling in spellings(secret)), f"a secret stands in {where}"


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Every line of every logger, in the form in which lines are written."""
    lines: list[str] = []
    formatter = Formatter()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    handler, root = Keep(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def planted(alice: User, alice_client: Client, sandbox: RunningSandbox, settings: Settings) -> list[Connection]:
    """A connection with a key and one with an authorization, and a second factor. The sandbox knows none."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    TOTP.activate(alice, SECOND_FACTOR)
    alice_client.force_login(alice)  # a new second factor has ended her sessions
    made = []
    for name, secrets, options in (
        ("By key", {"api_key": KEY}, {}),
        (
            "Signed in",
            credentials.as_credentials(Tokens(ACCESS, REFRESH, 9)),
            {credentials.SIGNED_IN: credentials.BY_OAUTH},
        ),
    ):
        connection = actions.create(by=alice, destination_key="campaign_monitor", environment="sandbox", name=name)
        actions.set_credentials(by=alice, connection=connection, secrets=secrets, options=options)
        made.append(connection)
    return made


@pytest.fixture
def export(planted: list[Connection], alice: User) -> Export:
    create_profiles([{"email": "ann@example.com"}])
    segment = exports.segment_of_everyone()
    return exports.export_to(None, planted[0], segment, list_id="a1150000000000000000000000000001", by=alice)


def use_everywhere(client: Client, planted: list[Connection], export: Export) -> None:
    """Pages, a typed key, a check, a failing run, a failing renewal, a rotation."""
    add = "/admin/connections/add/campaign_monitor/?environment=sandbox"
    typed = {"name": "Typed", "credential-api_key": KEY}
    for step in ("connect", "authenticate", "check"):
        assert_nowhere(client.post(add, typed | {"step": step}).content.decode(), f"the pane after {step}")
    for connection in planted:
        address = f"/admin/connections/{connection.pk}/"
        assert_nowhere(client.get(address).content.decode(), "the pane")
        assert_nowhere(client.post(address, {"step": "check_stored"}).content.decode(), "the pane after a check")
    credentials.renew_due()
    run = runs.start_run(export, by=None)
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    assert "API key" in run.message
    rotation.rotate()


def test_it_is_in_no_page_line_record_or_download(
    alice_client: Client, planted: list[Connection], export: Export, log: list[str]
) -> None:
    use_everywhere(alice_client, planted, export)
    run = Run.objects.get()
    pages = [
        *("/", "/admin/connections/", "/admin/system/", "/admin/audit/", "/data/exports/", "/healthz", "/readyz"),
        *(
            "/metrics",
            "/customers/",
            "/segments/",
            f"/data/exports/{export.pk}/",
            f"/data/exports/{export.pk}/runs/",
        ),
        *(f"/data/runs/{run.pk}/", f"/data/runs/{run.pk}/contacts/", f"/data/runs/{run.pk}/settings/"),
        *("/admin/audit/?format=csv", "/admin/audit/download/", "/admin/permissions/", "/accounts/security/"),
    ]
    for page in pages:
        response = alice_client.get(page)
        assert response.status_code != 500, page
        body: Any = response.getvalue()
        assert_nowhere(body.decode(), page)
    assert_nowhere(str(list(AuditEntry.objects.values())), "the record")
    assert log
    assert_nowhere("\n".join(log), "the log")


def test_it_is_in_no_repr(planted: list[Connection]) -> None:
    for connection in Connection.objects.all():
        access = credentials.access(connection)
        sealed = Sealed.of({"api_key": KEY})
        tokens = Tokens(ACCESS, REFRESH, 1)
        told = [repr(thing) for thing in (connection, connection.credentials, access, sealed, tokens)]
        told += [str(thing) for thing in (connection, connection.credentials, access)]
        told += [repr(connection.__dict__)]
        assert_nowhere("\n".join(told), "a repr")


def test_it_is_in_no_error_page(
    alice_client: Client, planted: list[Connection], log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("connections.destinations.campaign_monitor.authentication.check_connection", fails)
    alice_client.raise_request_exception = False
    with override_settings(DEBUG=False):
        add = "/admin/connections/add/campaign_monitor/?environment=sandbox"
        draft = {"name": "Typed", "credential-api_key": KEY, "step": "authenticate"}
        agreed = {"agree": "on", "consent_version": consent_text.VERSION, "consent_language": "en"}
        pages = [alice_client.post(add, draft | agreed)]
        pages += [
            alice_client.post(f"/admin/connections/{connection.pk}/", {"step": "check_stored"})
            for connection in planted
        ]
    assert [page.status_code for page in pages] == [500] * 3
    for page in pages:
        assert_nowhere(page.content.decode(), "an error page")
    assert_nowhere("\n".join(log), "the log of an error")


def test_the_dump_holds_ciphertext_only(
    alice_client: Client, planted: list[Connection], export: Export, tmp_path: Path
) -> None:
    use_everywhere(alice_client, planted, export)
    database.close()
    dump = subprocess.run(
        [str(postgres.binaries() / "pg_dump"), database_url_of_tests()],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.decode()
    assert "connections_connection" in dump
    for connection in Connection.objects.all():
        assert connection.credentials is not None
        assert connection.credentials.stored in dump
    assert_nowhere(dump, "the dump")
    for entry in django_settings.ENCRYPTION_KEYS:
        assert entry.partition(":")[2] not in dump


@pytest.mark.processes
@pytest.mark.parametrize("broker", ["folder", "redis"])
def test_the_broker_never_carries_it(
    planted: list[Connection], export: Export, tmp_path: Path, broker: Literal["folder", "redis"]
) -> None:
    # Paused, so that no worker looks at the list with a secret that the account does not accept.
    Connection.objects.update(paused_at=clock.now())
    with worker_processes(tmp_path / "var", broker=broker) as workers:
        workers.stop()  # so that messages stay where they are
        Connection.objects.update(paused_at=None)
        export.refresh_from_db()
        runs.start_run(export, by=None)
        carried = _messages(tmp_path / "var")
        said = "".join(workers.log(name) for name in ("jobs", "control", "beat"))
    assert "work_on_run" in carried
    assert_nowhere(carried, f"the messages of {broker}")
    assert_nowhere(said, "a worker's log")


def _messages(folder: Path) -> str:
    """All that waits in the broker, bodies decoded."""
    import redis

    if django_settings.REDIS_URL:
        with redis.Redis.from_url(django_settings.REDIS_URL) as client:
            kept = b"\n".join(b"".join(client.lrange(queue, 0, -1)) for queue in ("jobs", "control"))
    else:
        kept = b"\n".join(path.read_bytes() for path in (folder / "broker").rglob("*") if path.is_file())
    text = kept.decode("utf-8", "replace")
    bodies = [part for part in text.split('"') if len(part) > 20]
    for body in bodies:
        try:
            text += base64.b64decode(body, validate=True).decode("utf-8", "replace")
        except ValueError:
            continue
    return text
