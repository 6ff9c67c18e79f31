"""Pages that follow a run or an import: all their parts change together, and what a user does there is kept."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from config.platform.accounts.models import User
from connections.models import Connection
from exports.actions import runs
from exports.models import Run
from exports.results.summary import PARTS
from exports.run import pipeline
from segments.sources import actions, import_job
from tests.functional.conftest import OpenPage, assert_accessible, sign_in
from tests.functional.every_state import account
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COUNT = 6000
REJECTED = [f"person.{number:04}@example.com" for number in range(0, COUNT, 500)]
# Collect what a page shows each time that it changes: the numbers of its results, by place and kind.
WATCH = """() => {
  window.seen = [];
  const digits = (text) => Number(text.replace(/\\D/g, ""));
  const numbers = (place) => [...document.querySelectorAll(`${place} [data-result]`)].map(
    (link) => [link.dataset.result, digits((link.querySelector("strong") || link).innerText)],
  );
  const text = (place) => document.querySelector(place)?.innerText || "";
  const look = () => window.seen.push({
    metrics: Object.fromEntries(numbers(".metrics")),
    table: Object.fromEntries(numbers(".accounting")),
    rows: numbers("tbody .counts"),
    status: text(".run-title .pill, td .pill"),
    progress: text(".run-stages .progress"),
    totals: [...document.querySelectorAll("[data-total] dd")].map((total) => digits(total.firstChild.textContent)),
    refreshed: text("[id^=refreshed-], [id^=source-refreshed-]"),
    profiles: text("[id^=source-profiles-]"),
  });
  new MutationObserver(look).observe(document.getElementById("main"), { childList: true, subtree: true });
  look();
}"""


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[None]:
    """Do something in another thread, as a worker does in another process."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        worker.join()
    assert failures == []


def work_on(run: Run) -> None:
    while Run.objects.get(pk=run.pk).is_open:
        pipeline.run_slice(run.pk)


def seen(page: Page) -> list[dict[str, Any]]:
    return list(page.evaluate("window.seen"))


def test_all_pages_of_a_run_agree_while_it_continues(
    open_page: OpenPage, bob: User, account: RunningSandbox
) -> None:
    create_profiles({"email": f"person.{number:04}@example.com"} for number in range(COUNT))
    account.faults({"latency_ms": 700, "rules": [{"kind": "refuse_emails", "emails": REJECTED, "code": 1}]})
    export = exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())
    Connection.objects.update(max_in_flight=1)  # one batch after the other
    run = runs.start_run(export, by=bob)
    on_run, listed, home = pages = [open_page() for _ in range(3)]
    for page, address in zip(pages, (f"/data/runs/{run.pk}/", "/data/exports/", "/"), strict=True):
        sign_in(page, bob, address)
        page.evaluate(WATCH)
    with meanwhile(lambda: work_on(run)):
        expect(on_run.locator(".run-title .pill")).to_have_text("Completed with warnings", timeout=60_000)
    expect(listed.locator("td .pill")).to_have_text("Completed with warnings")
    expect(home.locator("td .pill")).to_have_text("Completed with warnings")

    shown = [one for one in seen(on_run) if one["metrics"]]
    assert len({one["metrics"]["delivered"] for one in shown}) > 2, "it was not followed"
    assert any("contacts" in one["progress"] for one in shown), "its progress was not read"
    for one in shown:
        counts = one["metrics"]
        assert counts["members"] == sum(counts.get(kind, 0) for kind in PARTS), one
        assert one["table"].items() >= counts.items(), one
        if done := re.match(r"([\d,]+) of ([\d,]+) contacts", one["progress"]):
            pending = counts["members"] - int(done[1].replace(",", ""))
            assert pending == counts["not_attempted"], one
    for one in seen(listed):
        rows = dict(one["rows"])
        assert rows.get("members", 0) == sum(rows.get(kind, 0) for kind in PARTS), one
        assert ("never" in one["refreshed"]) == (one["status"] in ("Queued", "Processing")), one
    for one in seen(home):
        delivered = sum(count for kind, count in one["rows"] if kind == "delivered")
        assert one["totals"][:1] in ([], [delivered]), one  # a run that is open is not counted yet
    assert seen(home)[-1]["totals"][0] == COUNT - len(REJECTED)


def test_a_data_source_shows_its_customers_with_the_end_of_the_import(
    page: Page, bob: User, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,town\n" + "".join(f"{key},Turku\n" for key in range(2000)))
    job = actions.start_import(path=file, key_column="id", source_name="Town", by=bob, wake_worker=False)
    sign_in(page, bob, "/data/sources/")
    page.evaluate(WATCH)
    page.get_by_label("Select Town").check()
    with meanwhile(lambda: import_job.run_import(job.pk)):
        expect(page.locator("td .pill")).to_have_text("Successful")
    for one in seen(page):
        assert (one["profiles"] == "2,000") == (one["status"] == "Successful"), one
        assert ("never" in one["refreshed"]) == (one["status"] != "Successful"), one
    expect(page.get_by_label("Select Town")).to_be_checked()
    expect(page.locator("#sources-poller")).not_to_have_attribute("data-live", re.compile(""))


def test_home_keeps_what_is_open_and_focused(page: Page, bob: User, account: RunningSandbox) -> None:
    create_profiles([{"email": "ann@example.com"}])
    export = exports.export_to(account, exports.sandbox_connection(account), exports.segment_of_everyone())
    work_on(runs.start_run(export, by=bob))
    again = runs.start_run(export, by=bob)
    sign_in(page, bob, "/")
    page.get_by_text("Show as table").click()
    link = page.get_by_role("link", name="Newsletter").last
    link.focus()
    work_on(again)
    expect(page.locator("td .pill").first).to_have_text("Successful")
    expect(page.get_by_role("table").filter(has_text="Day")).to_be_visible()
    expect(link).to_be_focused()
    assert_accessible(page)
