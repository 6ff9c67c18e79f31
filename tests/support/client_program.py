"""Install the command line client in a folder, alone with requests and click, as pip does."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

from django.conf import settings

SOURCE = settings.BASE_DIR / "config" / "client"
PACKAGE = "segment_exports_client"
# What the client needs, and what requests needs.
_DISTRIBUTIONS = ("requests", "urllib3", "idna", "certifi", "charset-normalizer", "click")
_SCRIPT = """\
#!{python} -IS
import sys
sys.path.append({site!r})
from {package}.commands import main
main()
"""


class ClientProgram:
    """``segment-exports`` in ``bin``, with a home and an environment of its own."""

    def __init__(self, folder: Path, *, url: str = "", token: str = "") -> None:
        self.home, self.bin = folder / "home", folder / "home" / ".local" / "bin"
        site = folder / "site"
        self.bin.mkdir(parents=True)
        (site / PACKAGE).mkdir(parents=True)
        for module in SOURCE.glob("*.py"):
            (site / PACKAGE / module.name).symlink_to(module)
        for name in _DISTRIBUTIONS:
            _link_distribution(name, site)
        script = self.bin / "segment-exports"
        script.write_text(_SCRIPT.format(python=sys.executable, site=str(site), package=PACKAGE), encoding="utf-8")
        script.chmod(0o755)
        self.environment = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
        }
        self.environment |= {"SEGMENT_EXPORTS_URL": url, "SEGMENT_EXPORTS_TOKEN": token}

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it until it ends."""
        return self.run_command(["segment-exports", *arguments], environment)

    def run_command(
        self, command: list[str], environment: Mapping[str, str] | None = None, *, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that may call it."""
        return subprocess.run(
            command,
            env={**self.environment, **(environment or {})},
            cwd=folder or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def _link_distribution(name: str, site: Path) -> None:
    """Link the packages and modules of an installed distribution."""
    for file in distribution(name).files or ():
        top = file.parts[0]
        if top.startswith(".") or top == "bin" or (site / top).exists():
            continue
        (site / top).symlink_to(Path(str(distribution(name).locate_file(top))))
