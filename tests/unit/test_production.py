"""The files of the production shape: every setting is named once, no program has more rights than it needs."""

import re
from collections import Counter
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = settings.BASE_DIR
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = sorted((ROOT / "config" / "production").glob("*.service"))
OURS = [name for name, service in SERVICES.items() if service.get("image") == "segment-exports"]
# Variables of docker-compose.yml that no program reads.
OF_COMPOSE = {
    "SITE_HOST",
    "DATABASE_PASSWORD",
    "DATABASE_OWNER_PASSWORD",
    "REDIS_PASSWORD",
    "APP_MEMORY",
    "DATABASE_MEMORY",
}


def example() -> list[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)


def settings_of_readme() -> set[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z0-9_`, …]+`) \|", text, re.MULTILINE)
    names = [name.strip("` ") for row in rows for name in row.split(",")]
    # “…_SECRET” behind “PROFILE_STORE_S3_KEY_ID”
    return {name.replace("…", "PROFILE_STORE_S3") for name in names if not name.endswith("…")}


def test_the_example_names_every_setting_once() -> None:
    assert [name for name, times in Counter(example()).items() if times > 1] == []
    assert set(example()) == settings_of_readme() | OF_COMPOSE


def test_compose_uses_no_variable_that_the_example_does_not_name() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert used - set(example()) == set()


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert re.findall(r"\$\{\w*(?:PASSWORD|SECRET|KEY)\w*:-", text) == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["mem_limit"]


def test_only_the_proxy_is_reached_from_other_machines() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.pop("proxy") == ["80:80", "443:443"]
    assert published == {"sandbox": ["127.0.0.1:${SANDBOX_PORT:-8001}:8001"]}
    assert [SERVICES[name]["networks"] for name in ("db", "redis")] == [["inside"], ["inside"]]


def test_only_migrate_has_the_password_of_the_owner() -> None:
    given = {name: SERVICES[name]["environment"] for name in OURS}
    assert [name for name, each in given.items() if each["DATABASE_OWNER_URL"]] == ["migrate"]
    assert [name for name, each in given.items() if each["DATABASE_OWNER_PASSWORD"]] == []  # that of .env


@pytest.mark.parametrize("name", [path.name for path in UNITS])
def test_a_unit_of_systemd_has_no_rights_that_it_does_not_need(name: str) -> None:
    lines = (ROOT / "config" / "production" / name).read_text(encoding="utf-8").splitlines()
    for line in ("User=segment-exports", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"):
        assert line in lines
    has_owner = "EnvironmentFile=-/etc/segment-exports/owner" in lines
    assert has_owner == (name == "segment-exports-migrate.service")
