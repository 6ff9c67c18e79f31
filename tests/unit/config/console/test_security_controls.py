"""The manual names no test that is not there."""

import re
from pathlib import Path

import pytest

from config.console import security_controls

ROOT = Path(__file__).resolve().parents[4]
NAMED = [test for _title, rows in security_controls.GROUPS for row in rows for test in row.tests]


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
