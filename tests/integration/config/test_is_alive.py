"""`manage.py is_alive PART`."""

import pytest
from django.core.management import CommandError, call_command

from config.platform.jobs import heartbeat

pytestmark = pytest.mark.django_db


def test_it_tells_when_a_part_was_alive(capsys: pytest.CaptureFixture[str]) -> None:
    heartbeat.write("jobs")
    call_command("is_alive", "jobs")
    assert "jobs sent a heartbeat at" in capsys.readouterr().out


def test_it_fails_when_a_part_was_not_seen() -> None:
    heartbeat.forget_all()
    with pytest.raises(CommandError, match="beat sent no heartbeat"):
        call_command("is_alive", "beat")


@pytest.mark.parametrize(("former", "part"), [("bells", "control"), ("work", "jobs")])
def test_it_takes_the_names_of_version_0_1(former: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    heartbeat.write(part)
    call_command("is_alive", former)
    assert f"{part} sent a heartbeat at" in capsys.readouterr().out
