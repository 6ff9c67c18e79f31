"""The version lives where users read of it: in the newest heading of the changelog."""

import re
from pathlib import Path

_HEADING = re.compile(r"^## (\d+\.\d+\.\d+)", re.MULTILINE)


def from_changelog(path: Path) -> str:
    """The newest released version, as “1.2.3”; “0.0.0” when the changelog is not shipped along."""
    try:
        heading = _HEADING.search(path.read_text(encoding="utf-8"))
    except OSError:
        return "0.0.0"
    return heading.group(1) if heading else "0.0.0"
