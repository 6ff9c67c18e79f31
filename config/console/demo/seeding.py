"""Fill the demo, step by step. Each step looks at what is there, so that a killed seeding is begun again; once
all is done nothing is touched any more, whatever users have changed since.

Some profiles are subscribers of the sandbox's list before the first run, and some of those have left it again: so
the first export meets a list like a real one.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import requests
from django.conf import settings
from django.db import transaction

from config.console.demo import people
from config.console.demo.people import Person
from config.console.manifest.apply import apply
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.models import AuditEntry
from config.platform.audit.record import record
from config.platform.jobs.models import Job, JobStatus
from exports.actions import runs
from exports.models import Export, Run
from exports.run import pipeline
from segments import actions as segment_actions
from segments.models import ImportJob, Segment
from segments.refresh_job import run_refresh
from segments.sources import actions
from segments.sources.import_job import run_import

DEMO_PASSWORD = "demo"  # noqa: S105 - public on purpose
_DEMO_ACCOUNTS = (
    ("admin", "Alice Admin", Role.ADMINISTRATOR),
    ("contributor", "Bob Contributor", Role.CONTRIBUTOR),
    ("viewer", "Charlie Viewer", Role.VIEWER),
)


def make_accounts() -> list[str]:
    """Create the demo accounts that are missing, and return their names. Their password is public, so they sign
    in only where the demo is on."""
    made = []
    for username, full_name, role in _DEMO_ACCOUNTS:
        if User.objects.find(username):
            continue
        user = User.objects.create_user(
            username, DEMO_PASSWORD, role=role, email=f"{username}@example.com", is_demo=True
        )
        user.full_name = full_name
        user.save(update_fields=["full_name"])
        made.append(username)
    return made


SOURCE = "Customers"
EXPORT = "Newsletter readers"
FILE = Path(__file__).with_name("demo.yaml")
_FILLED = "demo filled"
_JOB_SECONDS = 120.0

Report = Callable[[str], None]


class CannotSeed(Exception):
    """Error while filling the demo. The message says why."""


def is_filled() -> bool:
    """Return whether the demo was filled to the end once."""
    return AuditEntry.objects.filter(action=_FILLED).exists()


def fill(report: Report) -> Run | None:
    """Fill the demo and start its first run, which is given; None when it was filled before. Raises CannotSeed,
    FileRefused or SandboxAway."""
    if is_filled():
        return None
    if made := make_accounts():
        report(f"Accounts: {', '.join(made)}.")
    everyone = list(people.people())
    _import_profiles(everyone, report)
    _configure(report)
    run = _first_run(everyone)
    record(_FILLED, User.objects.get_by_natural_key("admin"), by=None)
    return run


def work_until_ended(run: Run) -> None:
    """Work on the run here, beside any workers: the lease sees to it that one at a time does."""
    _until_ended(run, lambda: pipeline.run_slice(run.pk) is not pipeline.Next.NOTHING)


def wait_until_ended(run: Run, *, seconds: float) -> bool:
    """Wait for the workers to end the run; False when they take longer."""
    try:
        _until_ended(run, lambda: False, seconds=seconds)
    except CannotSeed:
        return False
    return True


def _import_profiles(everyone: list[people.Person], report: Report) -> None:
    succeeded = (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
    if ImportJob.objects.filter(source__name__iexact=SOURCE, status__in=succeeded).exists():
        return
    path = Path(settings.VAR_DIR) / "customers.csv"
    people.write(path, everyone)
    job = actions.start_import(path=path, key_column="id", source_name=SOURCE, by=None, wake_worker=False)
    _until_ended(job, lambda: run_import(job.pk) is not None)
    if job.status not in succeeded:
        raise CannotSeed(f"The profiles could not be imported: {job.message or job.status}.")
    report(f"Profiles: {job.rows_created} imported from {path}.")


def _configure(report: Report) -> None:
    environ = {**os.environ, "SANDBOX_API_KEY": API_KEY}
    for line in apply(FILE, environ=environ, wake_worker=False):
        report(line)
    for segment in Segment.objects.filter(refreshed_at=None):
        job = segment_actions.request_refresh(segment, by=None, wake_worker=False)
        _until_ended(job, lambda pk=job.pk: run_refresh(pk) is not None)  # type: ignore[misc]
        if job.status != JobStatus.SUCCESSFUL:
            raise CannotSeed(f"The segment “{segment}” could not be refreshed: {job.message or job.status}.")


def _first_run(everyone: list[people.Person]) -> Run:
    export = Export.objects.get(name=EXPORT)
    run = export.runs.order_by("number").first()
    if run is not None:
        return run
    add_history(everyone)
    with transaction.atomic():
        return runs.start_run(export, by=User.objects.get_by_natural_key("admin"))


def _until_ended(job: Job, work: Callable[[], bool], *, seconds: float = _JOB_SECONDS) -> None:
    """Call ``work`` until the job has ended, here or in the hands of a worker. Raises CannotSeed when it takes
    longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        worked = work()
        job.refresh_from_db()
        if not job.is_open:
            return
        if time.monotonic() > deadline:
            raise CannotSeed(f"{job} did not end within {seconds:.0f} seconds.")
        if not worked:
            time.sleep(0.1)


API_KEY = "sandbox-api-key"
LIST_ID = "a1150000000000000000000000000001"
# How many newsletter readers were active on the list before, and how many were there in another state. None is
# only on the suppression list: the list counts such subscribers as active, and the counts of the first run would
# differ.
STILL_ACTIVE = 240
LEFT_BY_STATE = {"Unsubscribed": 43, "Bounced": 13, "Deleted": 8}
_EVERY_NTH = 17
# A campaign that was sent to them.
CAMPAIGN: dict[str, object] = {
    "id": "ca000000000000000000000000000001",
    "name": "Autumn news",
    "subject": "What is new this autumn",
    "recipients": STILL_ACTIVE + 56,
    "opened": 131,
    "opens": 178,
    "clicks": 44,
    "unsubscribed": 6,
    "bounced": 3,
    "complaints": 1,
}


class SandboxAway(Exception):
    """The sandbox does not answer, or refuses a request. The message says how."""


def add_history(people: Sequence[Person]) -> None:
    """Subscribe some of ``people`` to the sandbox's list, let some of those leave it again, and add a campaign
    that was sent to it. Raises SandboxAway."""
    known = earlier_subscribers(people)
    subscribers = [
        {"EmailAddress": person.email, "Name": person.full_name, "ConsentToTrack": "Yes"} for person in known
    ]
    _post(f"/api/v3.3/subscribers/{LIST_ID}/import.json", {"Subscribers": subscribers})
    rest = [person.email for person in known[STILL_ACTIVE:]]
    for state, count in LEFT_BY_STATE.items():
        _post("/_sandbox/states", {"list_id": LIST_ID, "emails": rest[:count], "state": state})
        rest = rest[count:]
    _post("/_sandbox/campaigns", {"list_id": LIST_ID, **CAMPAIGN})


def earlier_subscribers(people: Sequence[Person]) -> list[Person]:
    """Return the people who were on the list before: newsletter readers with a plain address, spread over the
    file."""
    regular = [
        person
        for person in people
        if person.newsletter == "yes" and person.email == person.email.strip().lower() and _is_plain(person.email)
    ]
    return regular[::_EVERY_NTH][: STILL_ACTIVE + sum(LEFT_BY_STATE.values())]


def _is_plain(email: str) -> bool:
    local, _at, domain = email.partition("@")
    letters = "".join((local, domain)).replace(".", "").replace("-", "")
    return letters.isalnum() and letters.isascii() and bool(local) and not domain.endswith(".") and "." in domain


def _post(path: str, body: dict[str, object]) -> None:
    with requests.Session() as session:
        session.trust_env = False  # a proxy that the environment names is for the world outside
        try:
            answer = session.post(
                settings.CAMPAIGN_MONITOR_SANDBOX_URL + path, json=body, auth=(API_KEY, "x"), timeout=30
            )
        except requests.RequestException as error:
            where = settings.CAMPAIGN_MONITOR_SANDBOX_URL
            raise SandboxAway(f"The sandbox at {where} does not respond ({type(error).__name__}).") from None
    if not answer.ok:
        raise SandboxAway(f"The sandbox refused {path}: {answer.status_code} {answer.text[:200]}")
