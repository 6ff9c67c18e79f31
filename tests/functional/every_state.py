"""Things in every state that pages show in their own way: runs that are queued, rejected, removed and held,
imports that run and are held, segments that exclude, exports that have left a list, users who were invited."""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.actions import list_comparison, preview, suppressions
from exports.feedback import comparison
from exports.models import Export, Removal
from segments.models import DatabaseQuery, DataSource, ImportJob, ImportMode, Segment
from segments.sources import actions, import_job
from tests.integration.access.test_every_address import ADDRESSES, ground, url_of
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import CROWD, crowd_of, leave
from tests.support.sandbox import RunningSandbox

Things = dict[str, list[int]]  # the IDs of each kind, such as "run"


@pytest.fixture
def account(settings: Settings, sandbox: RunningSandbox, tmp_path: Path) -> RunningSandbox:
    """The sandbox, and settings that say where it and uploads are."""
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return sandbox


def things_in_every_state(alice: User, account: RunningSandbox, folder: Path) -> Things:
    """Make one of each kind of thing, and one more for each state that has pages or commands of its own."""
    things: Things = defaultdict(list)
    for kind, pk in ground(alice, shared=True).items():
        things[kind].append(pk)
    connection = Connection.objects.get()
    export, ended = _runs(alice, account, connection)
    things["run"] += ended
    things["export"] += [export.pk, _former_list(alice, account, connection)]
    rule = {"attribute": "email", "operator": "is", "value": "ann@example.com"}
    Segment.objects.filter(pk=things["segment"][0]).update(rules={"join": "and", "rules": [rule]})
    things["segment"].append(Segment.objects.create(name="Excluded", is_exclusion=True).pk)
    things["job"] += _imports(folder)
    things["source"].append(_database_source())
    things["user"] += _users(alice)
    return things


def addresses_of(name: str, things: Things) -> Iterator[tuple[str, int]]:
    """Return an address of the table once for each thing that it may be of, with the ID of the thing."""
    for pk in things.get(ADDRESSES[name].of, [0]):
        ids = {kind: found[0] for kind, found in things.items()}
        yield url_of(name, ids | {ADDRESSES[name].of: pk}), pk


def _runs(alice: User, account: RunningSandbox, connection: Connection) -> tuple[Export, list[int]]:
    """Run an export: two contacts are rejected, then two are removed, then the removal of twelve is held.
    Calculate a preview of the next run."""
    crowd, list_id = crowd_of(CROWD), account.create_list("Shop", scope="OnlyThisList")
    export = exports.export_to(account, connection, crowd, list_id=list_id, name="Shop", by=alice)
    export.removal = Removal.DELETE
    export.save()
    account.faults({"rules": [{"kind": "refuse_emails", "emails": CROWD[:2], "code": 1}]})
    ended = [run_to_its_end(export)]
    leave(crowd, *CROWD[2:4])
    ended.append(run_to_its_end(export))
    leave(crowd, *CROWD[4:16])
    ended.append(run_to_its_end(export))
    preview.work_out(preview.request(export, by=alice).pk)
    assert [(run.rejected, run.removed) for run in ended] == [(2, 0), (0, 2), (0, 0)]
    assert ended[2].removal_guard
    _differences(alice, account, export)
    return export, [run.pk for run in ended]


def _differences(alice: User, account: RunningSandbox, export: Export) -> None:
    """Let the list differ from what is known of it, and import suppressions for it."""
    body = {"EmailAddress": "other@example.com", "ConsentToTrack": "Unchanged"}
    account.api("PUT", f"/subscribers/{export.list_id}.json", params={"email": CROWD[-1]}, json=body)
    suppressions.import_list(export, BytesIO(b"email\nzed@example.com\n"), replaces=False, by=alice)
    job = list_comparison.start(export, by=alice)
    assert job is not None
    while comparison.compare(job.pk):
        pass
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESSFUL


def _former_list(alice: User, account: RunningSandbox, connection: Connection) -> int:
    """Make an export whose contacts are on a list that it no longer sends to."""
    former = account.create_list("Winter", scope="OnlyThisList")
    crowd = Segment.objects.get(name="Crowd")
    export = exports.export_to(account, connection, crowd, list_id=former, name="Season", by=alice)
    run_to_its_end(export)
    Export.objects.filter(pk=export.pk).update(list_id=account.list_id)
    return export.pk


def _imports(folder: Path) -> list[int]:
    """Import a file, then one that lacks most of its customers, and start another one."""
    file = folder / "people.csv"
    for count in (40, 10):
        file.write_text("id,town\n" + "".join(f"{key},Turku\n" for key in range(count)))
        job = actions.start_import(
            path=file, key_column="id", source_name="Town", by=None, mode=ImportMode.SNAPSHOT, wake_worker=False
        )
        held = import_job.run_import(job.pk)
    assert held is not None
    assert held.status == JobStatus.NEEDS_CONFIRMATION
    source = DataSource.objects.create(name="Harbor", key_column="id")
    running = ImportJob.objects.create(
        source=source, file_name="y.csv", path="/y.csv", status=JobStatus.PROCESSING, started_at=clock.now()
    )
    return [held.pk, running.pk]


def _database_source() -> int:
    source = DataSource.objects.create(name="Warehouse", key_column="id")
    DatabaseQuery.objects.create(source=source, engine="sqlite", database="/shop.db", query="SELECT 1 AS id")
    return source.pk


def _users(alice: User) -> list[int]:
    """Make a user who was invited, and one with a second factor."""
    invited = User.objects.create_user("frank", "", email="frank@example.com", role="viewer")
    invited.set_unusable_password()
    invited.save()
    careful = User.objects.create_user("grace", "a-long-password", role="viewer")
    Authenticator.objects.create(user=careful, type=Authenticator.Type.TOTP, data={"secret": "x"})
    return [invited.pk, careful.pk]
