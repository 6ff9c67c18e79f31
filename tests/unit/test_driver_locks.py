"""The lock files of drivers agree with the product's, and with the extras in pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest

from segments.models import DatabaseEngine

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def pins(path: Path) -> dict[str, str]:
    """Return the versions in a lock file by the names of the packages."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_each_warehouse_and_collector_has_an_extra_with_a_lock_file() -> None:
    warehouses = {each.value for each in DatabaseEngine if each.is_warehouse}
    assert set(EXTRAS) == warehouses | {"opentelemetry", "sentry"}
    assert {path.stem for path in (ROOT / "drivers").glob("*.lock")} == set(EXTRAS)


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_its_versions_are_those_of_the_product(extra: str) -> None:
    locked, product = pins(ROOT / "drivers" / f"{extra}.lock"), pins(ROOT / "requirements.lock")
    assert {name: locked.get(name) for name in product} == product
    assert {re.split("[<=>]", each)[0] for each in EXTRAS[extra]} <= set(locked)
