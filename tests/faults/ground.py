"""What every fault strikes at: an export of some thousands to a list of the sandbox, run by real processes."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from config.platform.jobs.models import OPEN
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, Run
from exports.views.runs import ShownRun
from segments.models import Segment
from tests.support import exports, waiting
from tests.support.members import join
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

PEOPLE = 6_000
LEFT = 3  # have unsubscribed
IN_FLIGHT = 2  # calls at once, of a thousand people each
HELD_SECONDS = 1.5


@dataclass
class Ground:
    """The export that faults strike, with its list. ``names`` says by address what the list should hold;
    ``left`` have unsubscribed and stay so."""

    sandbox: RunningSandbox
    connection: Connection
    segment: Segment
    export: Export
    names: dict[str, str]
    left: frozenset[str]
    chance: Random

    @property
    def people(self) -> set[str]:
        """List all addresses that the list should hold."""
        return self.names.keys() - self.left

    def start(self) -> Run:
        """Start a run, as a person does."""
        return runs.start_run(Export.objects.get(pk=self.export.pk), by=None)

    def trouble(self, *rules: dict[str, Any], seed: int | None = None) -> None:
        """Let the sandbox misbehave."""
        self.sandbox.faults({"rules": rules, "seed": seed})

    def hold(self, *rules: dict[str, Any]) -> None:
        """Let one to three imports pass, and be so slow with the others that there is time to strike; until all
        is calm again."""
        passing = self.chance.randint(1, 3)
        slow = {"kind": "slow", "path": "/import", "seconds": HELD_SECONDS, "skip": passing}
        self.sandbox.faults({"rules": [*rules, slow]})

    def calm(self) -> None:
        """All is well with the sandbox, and it answers at once."""
        self.sandbox.clear_faults()

    def wait_until_it_is_quiet(self) -> None:
        """Wait until no call is under way: its sender may be dead, and it takes effect all the same."""
        waiting.wait_until(lambda: self.sandbox.requests()["under_way"] == 0)

    def add_person(self) -> str:
        """Add a new profile to the segment, and return its address."""
        email = f"new{len(self.names)}@example.com"
        self.names[email] = "New"
        create_profiles([{"email": email, "first_name": "New", "id": email}])
        join(self.segment, email)
        return email

    def moves_to(self, list_id: str) -> None:
        """From now on the export sends to this list, which is empty."""
        Export.objects.filter(pk=self.export.pk).update(list_id=list_id)
        self.export.refresh_from_db()
        self.left = frozenset()


def make(sandbox: RunningSandbox, chance: Random) -> Ground:
    """Nothing has run yet. Among the people are one without a valid address and one who is there twice."""
    names = {f"p{number}@example.com": f"Name {number}" for number in range(PEOPLE)}
    left = frozenset(list(names)[:: PEOPLE // LEFT][:LEFT])
    create_profiles([{"email": "P7@example.com", "first_name": "Older"}, {"email": "no-mail", "first_name": ""}])
    create_profiles(({"email": email, "first_name": name} for email, name in names.items()), key="email")
    segment = exports.segment_of_everyone()
    sandbox.set_state(sorted(left), "Unsubscribed")
    connection = exports.sandbox_connection(sandbox)
    Connection.objects.filter(pk=connection.pk).update(max_in_flight=IN_FLIGHT)
    mapping = [{"attribute": "first_name", "field": "name"}]
    export = exports.export_to(sandbox, connection, segment, mapping=mapping)
    return Ground(sandbox, connection, segment, export, names, left, chance)


def wait_until(run: Run, reached: Callable[[Run], bool]) -> None:
    """Wait until the run has come that far; an AssertionError tells where it stands when it never does."""

    def it_has() -> bool:
        run.refresh_from_db()
        there = reached(run)
        assert there or run.is_open, tell(run)
        return there

    waiting.wait_until(it_has, tell=lambda: tell(run), seconds=90)


def wait_for_end(run: Run) -> None:
    wait_until(run, lambda run: run.status not in OPEN)


def wait_until_some_are_delivered(run: Run) -> None:
    """The run goes on."""
    wait_until(run, lambda run: run.delivered > 0)
    assert run.is_open, tell(run)


def tell(run: Run) -> str:
    progress = f"{run.progress_done} of {run.progress_total}, attempt {run.attempt}"
    return f"{run.status}, {run.stage}, {progress}, until {run.resume_at}: {run.reason} {ShownRun(run).tooltip}"
