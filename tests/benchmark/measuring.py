"""The measurements. Each takes real processes; the product's own rows say when things happened."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from django.db import connection as database
from django.db.models import Min

from config.console.manifest.apply import apply
from connections import destinations
from connections.models import Connection
from exports.batches.encode import convert
from exports.models import Batch, BatchStatus, Export, Removal, Run
from exports.state import run_settings
from segments.models import ImportJob, Segment
from tests.benchmark.ground import Finished, manage, python
from tests.support.profiles import change_attribute, remove_from_all_segments
from tests.support.sandbox import RunningSandbox

MARK = "[Left]"
FIELDS = (("City", "Text"), ("Country", "Text"), ("BirthDate", "Date"), ("Language", "Text"), ("Left", "Text"))
_FILE = """
connections:
  - name: Bench
    destination: campaign_monitor
    environment: sandbox
    credentials: {{api_key: env:CREDENTIAL_BENCH_KEY}}
segments:
  - {{name: Everyone, rules: {{rules: []}}}}
exports:
{exports}
"""
_EXPORT = """
  - name: {name}
    connection: Bench
    list_id: {list_id}
    segments: [Everyone]
    email: email
    fields:
      {{name: first_name, "[City]": city, "[Country]": country, "[BirthDate]": birth_date, "[Language]": language}}
    answers: {{consent_to_track: unchanged}}
"""


@dataclass(frozen=True)
class Delivered:
    """A run that has ended: how long it took in all and to plan, how fast it delivered, what its process took."""

    run: Run
    seconds: float
    plan_seconds: float
    rows_per_second: float
    process: Finished

    @property
    def parts(self) -> str:
        """Where the time went, in seconds, from the moment in which the run was asked for."""
        run = self.run
        assert run.checked_at is not None
        assert run.planned_at is not None
        assert run.finished_at is not None
        checked, planned, delivered = (
            (run.checked_at - run.created_at).total_seconds(),
            (run.planned_at - run.checked_at).total_seconds(),
            (run.finished_at - run.planned_at).total_seconds(),
        )
        return f"checked {checked:.1f}, planned {planned:.1f}, delivered {delivered:.1f}"


def import_profiles(path: Path) -> float:
    """Import the file; rows per second."""
    manage("import_profiles", str(path), "--key", "id", "--source", "People")
    job = ImportJob.objects.latest("pk")
    assert job.started_at is not None
    assert job.finished_at is not None
    return job.rows_read / (job.finished_at - job.started_at).total_seconds()


def configure(folder: Path, lists: Mapping[str, str]) -> None:
    """One export by each name to each list, of everyone."""
    path = folder / "bench.yaml"
    exports = "".join(_EXPORT.format(name=name, list_id=list_id) for name, list_id in lists.items())
    path.write_text(_FILE.format(exports=exports), encoding="utf-8")
    apply(path, environ={"CREDENTIAL_BENCH_KEY": RunningSandbox.api_key}, wake_worker=False)
    manage("refresh_segments")
    assert Segment.objects.get().refreshed_at is not None


def deliver(
    name: str, *, maximum: int = 8, learned: int = 8, environment: Mapping[str, str] | None = None
) -> Delivered:
    """One run of an export, worked on by a process of its own, over a connection that has learned so much."""
    Connection.objects.update(max_in_flight=maximum, learned_in_flight=learned, paused_until=None)
    process = manage("run_export", name, "--wait", "--json", environment=environment)
    run = Export.objects.get(name=name).runs.latest("number")
    first_sent = run.batches.aggregate(first=Min("sent_at"))["first"] or run.finished_at
    assert run.started_at is not None
    assert run.finished_at is not None
    assert first_sent is not None
    return Delivered(
        run=run,
        seconds=(run.finished_at - run.created_at).total_seconds(),
        plan_seconds=(first_sent - run.started_at).total_seconds(),
        rows_per_second=run.planned / max((run.finished_at - first_sent).total_seconds(), 0.001),
        process=process,
    )


def mark_leaving_contacts(name: str) -> None:
    """Let the export mark contacts that leave its segments."""
    Export.objects.filter(name=name).update(removal=Removal.MARK, mark_field=MARK, mark_value="yes")


def change_some(name: str, *, changed: float, gone: float) -> int:
    """Change the city of this share of the delivered contacts, and take this share of them out of the segment.
    Return how many were changed."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMPORARY TABLE fate AS
            SELECT email, ntile(1000) OVER (ORDER BY md5(email)) AS place
              FROM exports_syncedcontact contact JOIN exports_export export ON export.id = contact.sent_by
             WHERE export.name = %s
            """,
            [name],
        )
        cursor.execute("SELECT email FROM fate WHERE place <= %s", [round(changed * 1000)])
        changing = [email for (email,) in cursor.fetchall()]
        cursor.execute("SELECT email FROM fate WHERE place > %s", [1000 - round(gone * 1000)])
        leaving = [email for (email,) in cursor.fetchall()]
    change_attribute(changing, "city", "Elsewhere")
    remove_from_all_segments(leaving)
    return len(changing)


@dataclass(frozen=True)
class Official:
    """What the official client came to."""

    rows_per_second: float
    calls: int


def official(
    address: str, list_id: str, path: Path, *, threads: int, environment: Mapping[str, str] | None = None
) -> Official:
    """Send the people of ``path`` with the official client, in a process of its own."""
    program = str(Path(__file__).with_name("official_client.py"))
    arguments = (address, RunningSandbox.api_key, list_id, str(path), str(threads))
    told = json.loads(python(program, *arguments, environment=environment).output)
    return Official(told["rows"] / told["seconds"], told["calls"])


def write_batches(run: Run, path: Path, most: int) -> None:
    """The first batches of ``run`` as they were sent, one a line."""
    with path.open("wb") as file:
        for people in islice(_batches(run), most):
            file.write(orjson.dumps(people, option=orjson.OPT_APPEND_NEWLINE))


def _batches(run: Run) -> Iterator[list[dict[str, Any]]]:
    prepare = destinations.get("campaign_monitor").preparer(run_settings.send_settings(run.list_id, run.snapshot))
    for pk in run.batches.filter(status=BatchStatus.DONE).order_by("number").values_list("pk", flat=True):
        batch = Batch.objects.only("emails", "payloads", "converted").get(pk=pk)
        yield [orjson.loads(payload) for payload in convert(batch, lambda: prepare, 2**30).payloads]


def lost_and_doubled(sandbox: RunningSandbox, list_id: str, expected: set[str]) -> tuple[int, int]:
    """How many people are not on the list as they should be, and how many were received more than once."""
    received = sandbox.received(list_id)
    active = sandbox.counts(list_id)["Active"]
    lost = max(len(expected ^ received.keys()), abs(active - len(expected)))
    return lost, sum(1 for times in received.values() if times > 1)
