"""`manage.py is_alive PART`."""

import pytest
from django.core.management import CommandError, call_command

from config.platform.jobs import heartbeat

pytestmark = pytest.mark.django_db


def test_it_tells_when_a_part_was_alive(capsys: pytest.CaptureFixture[str]) -> None:
    heartbeat.give("work")
    call_command("is_alive", "work")
    assert "work was alive at" in capsys.readouterr().out


def test_it_fails_when_a_part_was_not_seen() -> None:
    heartbeat.forget_all()
    with pytest.raises(CommandError, match="beat gave no sign of life"):
        call_command("is_alive", "beat")
