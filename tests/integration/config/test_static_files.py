"""Static files as they are served: collected, bundled, named by a hash of their contents, and light."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.web.static_files import SCRIPTS, STYLES
from tests.functional.every_state import account, addresses_of, things_in_every_state
from tests.integration.access.test_every_address import ADDRESSES
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["account", "sandbox", "sandbox_process"]

MOST_BYTES = 100_000  # of a first visit, compressed
# What the headers of a request and its response take, roughly.
HEADER_BYTES = 600
_NAMED = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_LAZY = re.compile(r'<img [^>]*loading="lazy"[^>]*>')  # pictures of the help, loaded as they are scrolled to
_LOADED = re.compile(r'hx-get="([^"]+)"[^>]*hx-trigger="load')
HEAVY = {"api_docs"}  # Swagger UI


@pytest.fixture
def collected(settings: Settings, tmp_path: Path) -> Path:
    """The folder of collected static files."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = django_settings.STORAGES | {
        "staticfiles": {"BACKEND": "config.platform.web.static_files.BundledStaticFilesStorage"}
    }
    call_command("collectstatic", verbosity=0, interactive=False)
    return tmp_path / "static"


def test_every_file_that_a_page_names_is_collected(alice_client: Client, collected: Path) -> None:
    page = alice_client.get("/help/").content.decode()
    named = re.findall(r'/static/([^"]+)', page)
    assert len(named) > 4
    for name in named:
        assert re.search(r"\.[0-9a-f]{12}\.(min\.)?(css|js|svg|png|webp)$", name), name
        assert (collected / name).exists()


def test_a_bundle_has_all_of_its_files_in_their_order(collected: Path, alice_client: Client) -> None:
    page = alice_client.get("/").content.decode()
    for bundle in (STYLES, SCRIPTS):
        (name,) = re.findall(rf'/static/({bundle.kind}/all\.[^"]+)', page)
        text = (collected / name).read_text(encoding="utf-8")
        places = [text.index((collected / path).read_text(encoding="utf-8")) for path in bundle.files]
        assert places == sorted(places)
        assert not [path for path in bundle.files if f"/static/{path.rpartition('.')[0]}" in page]


def test_every_style_sheet_and_script_is_in_a_bundle() -> None:
    elsewhere = {
        "css/api_docs.css",
        "css/help.css",
        "css/help_site.css",
        "css/exports/print.css",
    }  # on pages of their own
    for bundle in (STYLES, SCRIPTS):
        folder = django_settings.BASE_DIR / "static"
        found = {path.relative_to(folder).as_posix() for path in (folder / bundle.kind).rglob(f"*.{bundle.kind}")}
        assert set(bundle.files) == found - elsewhere


class Visitor:
    """Weighs pages as a browser without a cache gets them."""

    def __init__(self, client: Client, static: Path) -> None:
        self._client, self._static = client, static

    def bytes_of(self, path: str) -> int:
        """Return what a first visit transfers: the page, what it names and what it loads at once; 0 for what is no
        whole page."""
        sent, page = self._get(path)
        if "<html" not in page[:500]:
            return 0
        parts = [sent, *(self._file(name) for name in set(_NAMED.findall(_LAZY.sub("", page))))]
        parts += [self._get(url)[0] for url in _LOADED.findall(page)]
        return sum(parts) + len(parts) * HEADER_BYTES

    def _get(self, path: str) -> tuple[int, str]:
        """Return the bytes of an answer as a browser gets it, and the text of a page."""
        answer = self._client.get(path, headers={"Accept-Encoding": "gzip"})
        if (
            answer.status_code != 200
            or answer.streaming
            or not answer.headers["Content-Type"].startswith("text/html")
        ):
            return 0, ""
        packed = answer.headers.get("Content-Encoding") == "gzip"
        return len(answer.content), (gzip.decompress(answer.content) if packed else answer.content).decode()

    def _file(self, name: str) -> int:
        path = self._static / name.removeprefix("/static/")
        packed = path.with_name(f"{path.name}.gz")
        return (packed if packed.exists() else path).stat().st_size


@pytest.mark.django_db(transaction=True)
def test_a_first_visit_to_each_page_is_light(
    collected: Path, alice: User, alice_client: Client, account: RunningSandbox, tmp_path: Path
) -> None:
    visitor = Visitor(alice_client, collected)
    things = things_in_every_state(alice, account, tmp_path)
    found = {
        path: size
        for name in ADDRESSES
        if name not in HEAVY and "administrator" in ADDRESSES[name].look
        for path, _pk in addresses_of(name, things)
        if (size := visitor.bytes_of(path))
    }
    heaviest = sorted(found, key=found.__getitem__, reverse=True)[:5]
    print({path: found[path] for path in heaviest})  # noqa: T201 - for who tunes it
    assert len(found) > 60
    assert {path: found[path] for path in heaviest if found[path] >= MOST_BYTES} == {}
