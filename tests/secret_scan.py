"""Scan the files of the repository for secrets with detect-secrets, and compare with .secrets.baseline.

python -m tests.secret_scan [--update]

The baseline lists findings that were looked at and are no secrets, by a hash. Lines are not compared, so that the
baseline stays when code moves. ``--update`` writes it again: look at the difference before you commit it. The
command of detect-secrets compares lines, and would ask for an update with nearly every change.
"""

import json
import subprocess
import sys
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / ".secrets.baseline"
# Hashes, translations and pictures: nothing of these is written by a person.
NOT_SCANNED = (".lock", ".po", ".mo", ".webp", ".png", ".svg", ".woff2", ".gz", ".xlsx", ".parquet", ".db")
# Passwords of invented users, and IDs; keys by their form are found there too.
NOT_IN_TESTS = {"Secret Keyword", "Hex High Entropy String"}

Finding = tuple[str, str, str]


def main(arguments: list[str]) -> None:
    """Compare, or write the baseline with ``--update``; ends with an error that names each new finding."""
    stored = json.loads(BASELINE.read_text(encoding="utf-8"))
    found = scan(stored["plugins_used"], listed_files())
    if "--update" in arguments:
        write(stored, found)
        return
    results = stored["results"].items()
    known = {(name, each["type"], each["hashed_secret"]) for name, rows in results for each in rows}
    if new := sorted(set(found) - known):
        places = [f"{name}:{found[name, kind, digest]}: {kind}" for name, kind, digest in new]
        sys.exit("\n".join([*places, "Remove it; if it is no secret, run python -m tests.secret_scan --update."]))
    sys.stdout.write(f"secrets: no new finding, {len(known)} known\n")


def listed_files() -> list[str]:
    """List the files that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [
        name
        for name in names
        if name and name != BASELINE.name and not name.endswith(NOT_SCANNED) and (ROOT / name).is_file()
    ]


def scan(plugins: list[dict[str, object]], names: list[str]) -> dict[Finding, int]:
    """Scan files; returns the line of each finding by file, type and hash."""
    secrets = SecretsCollection(root=str(ROOT))
    with transient_settings({"plugins_used": plugins}):
        for name in names:
            secrets.scan_file(name)
    return {
        (name, secret.type, secret.secret_hash): secret.line_number
        for name, secret in secrets
        if not (name.startswith("tests/") and secret.type in NOT_IN_TESTS)
    }


def write(stored: dict[str, object], found: dict[Finding, int]) -> None:
    """Write the baseline, in the form that detect-secrets reads."""
    results: dict[str, list[dict[str, str]]] = {}
    for name, kind, digest in sorted(found):
        results.setdefault(name, []).append({"type": kind, "filename": name, "hashed_secret": digest})
    BASELINE.write_text(json.dumps(stored | {"results": results}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
