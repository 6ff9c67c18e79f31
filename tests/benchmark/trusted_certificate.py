"""Let programs trust the certificate of the sandbox; only their list of trusted certificates is changed."""

import os
import shutil
from pathlib import Path

import certifi
import createsend


def trusting(folder: Path, certificate: Path) -> dict[str, str]:
    """What to put into the environment of a program: copies of the official client and of the list that requests
    trusts, both with ``certificate`` in their lists, come before those installed."""
    for package in (createsend, certifi):
        assert package.__file__ is not None
        copy = folder / package.__name__
        shutil.copytree(Path(package.__file__).parent, copy)
        with (copy / "cacert.pem").open("a", encoding="ascii") as trusted:
            trusted.write("\n" + certificate.read_text(encoding="ascii"))
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *([before] if before else [])])}
