"""What a scenario is played on: one list of the sandbox, several exports to it, profiles, and a clock that tests
set ahead."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.db.models import F

from config.platform.jobs import clock, deadline
from config.platform.jobs.models import OPEN
from connections.models import Connection
from exports.actions import list_cleanup, manage, runs
from exports.actions.manage import ExportSettings
from exports.models import ControlMode, Export, Run
from exports.models.snapshot import RunOptions
from exports.removal.list_cleanup import CleanupSettings
from exports.run import pipeline
from segments.models import Segment
from tests.scenarios.failing_workers import Killed
from tests.scenarios.model import ExportModel, Record
from tests.scenarios.model import RunOptions as Asked
from tests.support import exports, members
from tests.support.members import adds_up
from tests.support.profiles import change_profile, create_profiles, get_profile
from tests.support.sandbox import RunningSandbox

_KEYS = {"name": ("first_name", "name"), "city": ("city", "[City]")}
_MOST_LOOKS = 200
ANY_NUMBER = 1_000_000


class Stage:
    """The product and the sandbox, as the steps of a scenario use them."""

    def __init__(self, sandbox: RunningSandbox, emails: list[str], *, scope: str) -> None:
        self.sandbox = sandbox
        self.ahead = timedelta(0)
        fields_of_list = [("City", "Text"), ("Left", "Text")]
        self.list_id = sandbox.create_list("Shop", scope=scope, fields=fields_of_list)
        self.other_list_id = sandbox.create_list("Elsewhere", scope="OnlyThisList", fields=fields_of_list)
        create_profiles([{"email": email, "first_name": "A", "city": "A"} for email in emails])
        self.connection = exports.sandbox_connection(sandbox)
        # One request at a time, so that the same seed gives the same requests in the same order.
        limits = replace(self.connection.limited, may_resubscribe=True).keep()
        Connection.objects.filter(pk=self.connection.pk).update(max_in_flight=1, limits=limits)
        self.connection.refresh_from_db()
        self.emails = emails
        self._exports: dict[int, Export] = {}
        self._segments: dict[int, Segment] = {}

    # -- exports and segments ----------------------------------------------------------------------------------

    def add_export(self, model: ExportModel) -> None:
        """Set up an export like ``model``, with a segment of its own."""
        segment = exports.segment_of_everyone(f"Segment {model.number}")
        self._segments[model.number] = segment
        members.leave(segment, *(email for email in self.emails if email not in model.members))
        mapping = [dict(zip(("attribute", "field"), _KEYS[name], strict=True)) for name in model.fields]
        export = exports.export_to(
            self.sandbox,
            self.connection,
            segment,
            list_id=self.list_id,
            mapping=mapping,
            name=f"Export {model.number}",
        )
        export.mark_field, export.mark_value, export.unsubscribes_everywhere = "[Left]", "gone", True
        export.save()
        self._exports[model.number] = export
        self.choose_removal(model)

    def choose_removal(self, model: ExportModel) -> None:
        Export.objects.filter(pk=self._exports[model.number].pk).update(removal=model.removal)

    def hold_out(self, model: ExportModel, percentage: int, salt: str) -> None:
        """Let the export have a control group, or none."""
        mode = ControlMode.HOLD_OUT if percentage else ControlMode.OFF
        Export.objects.filter(pk=self._exports[model.number].pk).update(
            control_mode=mode, control_percentage=percentage, control_salt=salt, version=F("version") + 1
        )

    def deactivate(self, model: ExportModel) -> None:
        manage.detach(self.export(model), by=None)

    def activate(self, model: ExportModel) -> None:
        Export.objects.filter(pk=self._exports[model.number].pk).update(connection=self.connection)

    def remove_export(self, model: ExportModel, cleanup: CleanupSettings | None = None) -> None:
        """Remove an export; with ``cleanup``, once the contacts that it alone wanted are off the list."""
        run = list_cleanup.remove(self.export(model), cleanup or CleanupSettings(), by=None)
        if run is not None:
            self.carry_on(run)
            list_cleanup.finish_removals()
        assert not Export.objects.filter(pk=self._exports[model.number].pk).exists()
        del self._exports[model.number], self._segments[model.number]

    def move_to(self, model: ExportModel, list_id: str, cleanup: CleanupSettings) -> Run | None:
        """Let an export send to another list; gives the run that clears the one that it leaves, if one does."""
        export = self.export(model)
        kept = {
            each.name: getattr(export, each.name) for each in fields(ExportSettings) if each.name != "segments"
        }
        settings = ExportSettings(segments=[self._segments[model.number]], **kept | {"list_id": list_id})
        list_cleanup.move(export, settings, cleanup, version=export.version, by=None)
        return export.runs.filter(kind="list_cleanup", status__in=OPEN).first()

    def export(self, model: ExportModel) -> Export:
        """The export as the database holds it now."""
        return Export.objects.select_related("connection").get(pk=self._exports[model.number].pk)

    def join(self, model: ExportModel, *emails: str) -> None:
        members.join(self._segments[model.number], *emails)

    def leave(self, model: ExportModel, *emails: str) -> None:
        members.leave(self._segments[model.number], *emails)

    def change(self, email: str, attribute: str, value: str) -> None:
        change_profile(get_profile(email=email), **{attribute: value})

    # -- runs --------------------------------------------------------------------------------------------------

    def start_run(self, model: ExportModel, asked: Asked) -> Run:
        options = RunOptions(everyone=asked.everyone, resubscribe=asked.resubscribe)
        if asked.confirmed:
            agreed = {"how": model.removal, "unsubscribes_everywhere": True}
            options = RunOptions(**(asdict(options) | {"confirmed_removals": ANY_NUMBER, "removal": agreed}))
        return runs.start_run(self.export(model), by=None, options=options)

    def carry_on(self, run: Run) -> bool:
        """Work on a run until it has ended; False when the worker died on the way."""
        for look in range(_MOST_LOOKS):
            time.sleep(look / 1000)  # what another session holds becomes free a moment later
            Run.objects.filter(pk=run.pk).update(resume_at=None)
            run.batches.update(not_before=None)
            try:
                pipeline.run_slice(run.pk)
            except Killed:
                return False
            run.refresh_from_db()
            if not run.is_open:
                assert adds_up(run), f"The counts of a run do not add up: {vars(run)}"
                return True
        raise AssertionError(f"The run is still {run.status}: {run.reason} {run.message}")

    def cancel(self, run: Run) -> None:
        """Cancel a run whose worker has died, and let another worker end it."""
        Run.objects.filter(pk=run.pk).update(lease_until=None, resume_at=None)
        run.refresh_from_db()
        runs.cancel_run(run, by=None)
        assert self.carry_on(run)

    def take_over(self, run: Run) -> None:
        """Let another worker end a run whose lease has run out."""
        Run.objects.filter(pk=run.pk).update(lease_until=None)
        assert self.carry_on(run)

    # -- time and the list -------------------------------------------------------------------------------------

    def let_pass(self, duration: timedelta) -> None:
        """Set the clocks of the product and the sandbox ahead."""
        self.ahead += duration
        clock.run_from(datetime.now(UTC) + self.ahead)
        self.sandbox.door("PUT", "clock", json={"ahead_seconds": self.ahead.total_seconds()})

    @contextmanager
    def clocks(self) -> Iterator[None]:
        """Let the deadlines of leases go by the same clock; back to real time at the end of the block."""
        moved = SimpleNamespace(
            clock_gettime=lambda which: time.clock_gettime(which) + self.ahead.total_seconds(),
            time=lambda: time.time() + self.ahead.total_seconds(),
        )
        try:
            with mock.patch.object(deadline, "time", moved):
                yield
        finally:
            clock.run_as_usual()
            self.sandbox.door("PUT", "clock", json={"ahead_seconds": 0})

    def vendor(self, email: str, state: str) -> None:
        """Put an address into a state at the vendor, as a person would there."""
        self.sandbox.set_state([email], state, self.list_id)

    def suppress(self, email: str, *, is_suppressed: bool) -> None:
        path = f"/clients/{self.sandbox.client_id}/"
        if is_suppressed:
            answer = self.sandbox.api("POST", f"{path}suppress.json", json={"EmailAddresses": [email]})
        else:
            answer = self.sandbox.api("PUT", f"{path}unsuppress.json", params={"email": email})
        assert answer.ok or not is_suppressed, answer.text

    def records(self) -> dict[str, Record]:
        """What the list holds of each address."""
        found = {email: Record() for email in self.emails}
        for state in ("Active", "Unsubscribed", "Bounced", "Deleted"):
            for person in self.sandbox.people(self.list_id, state):
                found[person["EmailAddress"]] = _record(person, state)
        return found


def _record(person: dict[str, Any], state: str) -> Record:
    values = {entry["Key"]: entry["Value"] for entry in person["CustomFields"]}
    return Record(state, person["Name"], values.get("City", ""), values.get("Left", ""))
