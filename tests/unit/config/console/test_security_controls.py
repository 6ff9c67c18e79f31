"""The manual names no test that is not there."""

import re
from pathlib import Path

import pytest

from config.console.views.help import security_controls

ROOT = Path(__file__).resolve().parents[4]
NAMED = [test for group in security_controls() for row in group["threats"] for test in row["tests"]]


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_exists(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
