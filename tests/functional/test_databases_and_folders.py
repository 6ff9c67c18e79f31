"""Data sources that read a database, and that watch a folder or a bucket."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import time_machine
from playwright.sync_api import Page, expect
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.jobs import clock
from segments.models import ImportJob, WatchedPlace
from segments.sources import import_job
from segments.sources.watched_places.scan import scan
from tests.functional.conftest import assert_accessible, screenshot, sign_in
from tests.support.clickhouse_server import clickhouse_server
from tests.support.profiles import get_profile
from tests.support.shop_bucket import ACCESS_KEY_ID, SECRET_KEY, shop_bucket_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Return a folder that data sources may read and watch."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.SOURCE_FOLDERS = [str(tmp_path / "in")]
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_an_administrator_imports_from_a_database(page: Page, alice: User, folder: Path) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE customers AS SELECT 1 AS id, '01234' AS zip, 7 AS points")
    sign_in(page, alice, "/data/sources/")
    page.get_by_role("link", name="From a database").first.click()
    expect(page.get_by_label("Host")).to_be_visible()
    expect(page.get_by_label("File")).to_be_hidden()
    page.get_by_label("Database type").select_option("DuckDB file")
    expect(page.get_by_label("Host")).to_be_hidden()
    page.get_by_label("File").fill(str(folder / "shop.duckdb"))
    page.get_by_label("Query").fill("customers")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_text("The connection works.")).to_be_visible()
    expect(page.get_by_text("01234")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "database")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Data source").fill("Web shop")
    assert_accessible(page)
    screenshot(page, "database-import")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    import_job.run_import(ImportJob.objects.get().pk)
    expect(page.get_by_text("Successful")).to_be_visible()
    assert get_profile("1").attributes == {"id": "1", "zip": "01234", "points": 7}


def test_the_form_asks_what_each_warehouse_needs(page: Page, alice: User, settings: Settings) -> None:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8", "::1"]
    sign_in(page, alice, "/data/sources/")
    page.get_by_role("link", name="From a database").first.click()
    every = ("Host", "Port", "Database", "Warehouse", "Encryption", "User", "Password")
    for name, fields in {
        "Snowflake (preview)": {"Host", "Database", "Warehouse", "User", "Password"},
        "Google BigQuery (preview)": {"Database", "Password"},
        "Databricks (preview)": {"Host", "Database", "Warehouse", "Password"},
        "Trino (preview)": {"Host", "Port", "Database", "Encryption", "User", "Password"},
        "ClickHouse (preview)": {"Host", "Port", "Database", "Encryption", "User", "Password"},
    }.items():
        page.get_by_label("Database type").select_option(name)
        shown = {each for each in every if page.get_by_label(each, exact=True).is_visible()}
        assert shown == fields, name
        assert_accessible(page)
        screenshot(page, f"warehouse-{name.split()[-2].lower()}")
    with clickhouse_server() as server:
        page.get_by_label("Host", exact=True).fill(server.host)
        page.get_by_label("Port", exact=True).fill(str(server.port))
        page.get_by_label("Database", exact=True).fill(server.database)
        page.get_by_label("Encryption").select_option("None")
        page.get_by_label("User", exact=True).fill(server.user)
        page.get_by_label("Password", exact=True).fill(server.password)
        page.get_by_label("Query").fill("SELECT id, name FROM customers")
        page.get_by_role("button", name="Test connection").click()
        expect(page.get_by_text("The connection works.")).to_be_visible()
        expect(page.get_by_text("Väinö😀")).to_be_visible()


def test_an_administrator_watches_a_folder(page: Page, alice: User, folder: Path) -> None:
    (folder / "shop-1.csv").write_text("id,name\n1,Aino\n", encoding="utf-8")
    sign_in(page, alice, "/data/sources/")
    page.get_by_role("link", name="From a folder").first.click()
    page.get_by_role("textbox", name="Folder").fill(str(folder))
    page.get_by_label("File names").fill("shop-*.csv")
    page.get_by_role("textbox", name="Data source").fill("Web shop")
    page.get_by_role("textbox", name="Key column").fill("id")
    assert_accessible(page)
    page.get_by_role("button", name="Watch folder").click()
    expect(page.get_by_text("The folder is watched.")).to_be_visible()
    watched = WatchedPlace.objects.get()
    scan(watched.pk)
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=True):
        job = scan(watched.pk)
    assert job is not None
    import_job.run_import(job.pk)
    page.goto(f"/data/sources/folder/?source={watched.source_id}")
    expect(page.get_by_role("link", name="shop-1.csv")).to_be_visible()
    expect(page.get_by_text("Successful")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "watched-folder")


def test_an_administrator_watches_a_bucket(
    page: Page, alice: User, folder: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8"]
    with shop_bucket_server(tmp_path) as bucket:
        bucket.create()
        bucket.put("in/shop-1.csv")
        sign_in(page, alice, "/data/sources/")
        page.get_by_role("link", name="From a bucket").first.click()
        page.get_by_role("textbox", name="Bucket", exact=True).fill("shop-none-such")
        page.get_by_role("textbox", name="Folder in the bucket").fill("in")
        page.get_by_role("textbox", name="File names").fill("shop-*.csv")
        page.get_by_role("textbox", name="Endpoint").fill(bucket.endpoint)
        page.get_by_role("textbox", name="Access key ID").fill(ACCESS_KEY_ID)
        page.get_by_label("Secret key").fill(SECRET_KEY)
        page.get_by_role("textbox", name="Data source").fill("Web shop")
        page.get_by_role("textbox", name="Key column").fill("id")
        page.get_by_role("button", name="Test connection").click()
        expect(page.get_by_text("There is no bucket with this name at the endpoint.").first).to_be_visible()
        assert_accessible(page)
        page.get_by_role("textbox", name="Bucket", exact=True).fill(bucket.name)
        page.get_by_role("button", name="Test connection").click()
        expect(page.get_by_text("The connection works. 1 file matches.")).to_be_visible()
        expect(page.get_by_text("shop-1.csv")).to_be_visible()
        assert_accessible(page)
        screenshot(page, "bucket")
        page.get_by_role("button", name="Watch bucket").last.click()
        expect(page.get_by_text("The bucket is watched.")).to_be_visible()
        job = scan(WatchedPlace.objects.get().pk)
        assert job is not None
        import_job.run_import(job.pk)
    page.goto("/data/sources/")
    page.get_by_role("checkbox", name="Web shop").check()
    page.get_by_text("Edit bucket").first.click()
    expect(page.get_by_role("link", name="shop-1.csv")).to_be_visible()
    expect(page.get_by_text("Successful").last).to_be_visible()
    assert_accessible(page)
    screenshot(page, "watched-bucket")
