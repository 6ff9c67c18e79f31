"""`manage.py apply`: what exports run after."""

from pathlib import Path

import pytest

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from connections.destinations.campaign_monitor.sandbox.model import LIST_ID
from exports.actions.run_after import predecessors_of
from exports.models import Export
from segments.models import DataSource
from tests.integration.exports.conftest import account
from tests.support.exports import sandbox_connection, segment_of_everyone
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db

ENTRY = """
  - name: {name}
    connection: Sandbox
    list_id: {list_id}
    segments: [Everyone]
    email: email
    answers: {{consent_to_track: unchanged}}
"""


@pytest.fixture
def file(tmp_path: Path, account: RunningSandbox) -> Path:
    create_profiles([{"email": "aino@example.com"}])
    sandbox_connection()
    segment_of_everyone()
    return tmp_path / "exports.yaml"


def write(file: Path, first: str = "", second: str = "") -> Path:
    entries = ENTRY.format(name="First", list_id=LIST_ID) + first
    entries += ENTRY.format(name="Second", list_id=LIST_ID) + second
    file.write_text(f"exports:{entries}")
    return file


def lines_about_triggers(file: Path) -> list[str]:
    return [line for line in apply(file) if "runs after" in line]


def test_it_names_sources_and_exports_of_the_same_file(file: Path) -> None:
    source = DataSource.objects.get()
    text = f"    after_sources: [{source.name}]\n    after_exports: [second]\n"
    assert lines_about_triggers(write(file, first=text)) == [
        f"export “First”: runs after “{source.name}”, “Second”"
    ]
    first = Export.objects.get(name="First")
    assert predecessors_of(first).names == [source.name, "Second"]
    assert not lines_about_triggers(file), "the second time nothing changes"
    assert not lines_about_triggers(write(file)), "what it does not say stays"
    assert lines_about_triggers(write(file, first="    after_exports: []\n    after_sources: []\n")) == [
        "export “First”: runs after nothing else"
    ]


def test_it_refuses_names_that_are_not_there_and_circles(file: Path) -> None:
    with pytest.raises(FileRefused, match="There is no data source “CRM”"):
        apply(write(file, first="    after_sources: [CRM]\n"))
    with pytest.raises(FileRefused, match="There is no export “Third”"):
        apply(write(file, first="    after_exports: [Third]\n"))
    circle = "    after_exports: [{}]\n"
    with pytest.raises(FileRefused, match="without end: Second → First → Second"):
        apply(write(file, first=circle.format("Second"), second=circle.format("First")))
    assert not Export.objects.exists()
