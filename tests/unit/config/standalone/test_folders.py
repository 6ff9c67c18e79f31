"""Folders and secrets of the embedded system."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.standalone import folders


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_demo_lives_apart() -> None:
    assert folders.var_dir(Path("/srv/var"), demo=False) == Path("/srv/var")
    assert folders.var_dir(Path("/srv/var"), demo=True) == Path("/srv/var/demo")


def test_every_folder_made_is_its_owners_alone(tmp_path: Path) -> None:
    folders.make_private(tmp_path / "a" / "b")
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    folders.make_private(tmp_path / "open" / "closed")
    assert mode(tmp_path / "open") == 0o755


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(ImproperlyConfigured, match="must be accessible only to you"):
        folders.make_own(tmp_path / "open")


def test_a_secret_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = folders.secret_key(tmp_path / "var")
    assert folders.secret_key(tmp_path / "var") == first
    assert mode(tmp_path / "var" / "secret_key") == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret_key"]


def test_processes_that_race_for_a_secret_get_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from config.standalone import folders;"
        "print(folders.encryption_key(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "var")]
    racing = [
        subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert len({process.communicate(timeout=60)[0] for process in racing}) == 1


def test_a_secret_that_cannot_be_kept_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="Set VAR_DIR to a folder of your own"):
        folders.secret_key(tmp_path / "file" / "var")


def test_a_deep_folder_has_its_socket_elsewhere(tmp_path: Path) -> None:
    near = Path("/srv/var")
    assert folders.socket_dir(near) == near / "run"
    deep = folders.socket_dir(near / ("x" * 100))
    assert len(str(deep)) <= 80
    assert deep != folders.socket_dir(near / ("y" * 100))
