"""``manage.py draw_run_states [--check]``: the diagram of a run's statuses, from the table that the code obeys."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.platform.jobs.models import JobStatus
from exports.state.status import TRANSITIONS

PAGE = Path(settings.BASE_DIR) / "exports" / "run-states.md"


def diagram() -> str:
    """A Mermaid state diagram, which code hosts show as a picture."""
    lines = ["stateDiagram-v2", f"    [*] --> {JobStatus.QUEUED.value}"]
    for status, followers in TRANSITIONS.items():
        lines += [f"    {status.value} --> {follower.value}" for follower in sorted(followers)]
        lines += [] if followers else [f"    {status.value} --> [*]"]
    lines += [f"    {status.value}: {status.label}" for status in JobStatus]
    return "\n".join(lines)


def page() -> str:
    """The whole page, as it lies beside the code."""
    return (
        "# Statuses of a run\n\n"
        "Drawn by `manage.py draw_run_states` from the table in state/status.py;"
        " `--check` tells when it is stale.\n"
        "Reasons, which say why a run is as it is, are in reporting/messages.py.\n\n"
        f"```mermaid\n{diagram()}\n```\n"
    )


class Command(BaseCommand):
    help = "Draw the statuses of a run and their transitions."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail when the page is not what the code says")

    def handle(self, *, check: bool, **_: Any) -> None:
        if not check:
            PAGE.write_text(page(), encoding="utf-8")
            self.stdout.write(f"Drawn: {PAGE.relative_to(settings.BASE_DIR)}")
        elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise CommandError("exports/run-states.md is stale: run `manage.py draw_run_states`.")
