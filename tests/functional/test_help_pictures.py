"""The pictures of the help: each screen is opened in the same state, in light theme. With HELP_PICTURES=yes its
picture is written to static/img/help/:

    HELP_PICTURES=yes .venv/bin/python -m pytest -n 0 tests/functional/test_help_pictures.py
"""

import base64
import os
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Page, expect

from config.console.demo import people
from config.console.help_pages import PICTURE_DIR, PICTURES
from config.platform.accounts.models import User
from config.platform.jobs import heartbeat
from exports.models import Export, Run
from segments.models import DataSource, Segment
from segments.sources import actions, import_job
from tests.functional.conftest import OpenPage, sign_in
from tests.functional.every_state import account
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.system.test_overdue_system_refresh import switch_on
from tests.support import exports
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COUNT = 2_000
QUALITY = 0.82
READERS = {"rules": [{"attribute": "newsletter", "operator": "is_yes"}]}
NORDIC = {
    "rules": [{"attribute": "country", "operator": "any_of", "value": ["Finland", "Sweden", "Norway", "Denmark"]}]
}
# Chromium encodes WebP, so that no library is needed for it.
_TO_WEBP = """async ([png, quality]) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d", {alpha: false}).drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", quality).split(",")[1];
}"""


@pytest.fixture
def shop(alice: User, account: RunningSandbox, tmp_path: Path) -> Run:
    """Import customers, and run an export of which some contacts are rejected."""
    file = tmp_path / "customers.csv"
    everyone = list(islice(people.people(), COUNT))
    people.write(file, everyone)
    job = actions.start_import(path=file, key_column="id", source_name="Customers", by=alice, wake_worker=False)
    import_job.run_import(job.pk)
    DataSource.objects.update(path="/srv/imports/customers.csv")
    for name, rules in (("Newsletter readers", READERS), ("Nordic customers", NORDIC)):
        Segment.objects.create(name=name, rules={"join": "and"} | rules)
        call_command("refresh_segments", name)
    readers = Segment.objects.get(name="Newsletter readers")
    connection = exports.sandbox_connection(account, by=alice, name="Campaign Monitor")
    mapping = [{"attribute": "full_name", "field": "name"}]
    export = exports.export_to(account, connection, readers, mapping=mapping, name="Newsletter readers", by=alice)
    exports.export_to(
        account, connection, Segment.objects.get(name="Nordic customers"), name="Nordic news", by=alice
    )
    refused = [each.email for each in everyone if each.newsletter == "yes" and each.email.endswith(".com")][:5]
    account.faults({"rules": [{"kind": "refuse_emails", "emails": refused, "code": 1}]})
    for name in heartbeat.NAMES:
        heartbeat.write(name)
    switch_on()
    return run_to_its_end(export)


def address_of(name: str, run: Run) -> str:
    """Return the address of the screen that a picture shows."""
    ids = {
        "exports:run": run.pk,
        "exports:contacts": run.pk,
        "exports:edit": run.export_id,
        "connections:edit": run.export.connection_id,
        "segments:edit": Segment.objects.get(name="Nordic customers").pk,
    }
    url_name = PICTURES[name].url_name
    return reverse(url_name, args=[ids[url_name]] if url_name in ids else []) + (
        "?kind=rejected" if url_name == "exports:contacts" else ""
    )


def test_every_picture_can_be_taken(open_page: OpenPage, alice: User, shop: Run) -> None:
    assert Export.objects.count() == 2
    page = open_page(color_scheme="light", reduced_motion="reduce")
    sign_in(page, alice)
    for name, picture in PICTURES.items():
        page.set_viewport_size({"width": picture.width, "height": picture.height})
        page.goto(address_of(name, shop))
        expect(page.locator("h1, h2").locator("visible=true").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        if os.environ.get("HELP_PICTURES") == "yes":
            write_picture(page, PICTURE_DIR / f"{name}.webp")


def write_picture(page: Page, file: Path) -> None:
    """Write what the page shows as WebP."""
    png = base64.b64encode(page.screenshot(animations="disabled", caret="hide")).decode()
    encoder = page.context.new_page()
    encoded = encoder.evaluate(_TO_WEBP, [png, QUALITY])
    encoder.close()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(encoded))
