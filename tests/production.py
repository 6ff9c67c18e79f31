"""Validate the files of the production shapes, each with the program that reads it.

python -m tests.production
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCTION = ROOT / "config" / "production"
REQUIRED = {
    "SITE_HOST": "exports.example.com",
    "SECRET_KEY": "checked",
    "ENCRYPTION_KEYS": "k1:checked",
    "DATABASE_OWNER_PASSWORD": "one",
    "DATABASE_PASSWORD": "two",
    "REDIS_PASSWORD": "three",
}


def main() -> None:
    """Run every check, and end with an error when one of them fails."""
    checks: dict[str, Callable[[], str]] = {
        "docker-compose": check_compose,
        "caddy": check_caddy,
        "systemd-analyze": check_units,
        "promtool": check_prometheus,
    }
    failed = False
    for program, check in checks.items():
        problem = check() if shutil.which(program) else "not installed"
        failed = failed or bool(problem)
        sys.stdout.write(f"{program}: {problem or 'valid'}\n")
    sys.exit(int(failed))


def check_compose() -> str:
    """Check that docker-compose.yml is valid with the required settings, and refused without any one of them."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("docker-compose.yml", ".env.example"):
            shutil.copy(ROOT / name, folder)
        shutil.copy(ROOT / ".env.example", Path(folder) / ".env")
        if problem := _run(["docker-compose", "--profile", "demo", "config", "--quiet"], REQUIRED, folder):
            return problem
        for name in REQUIRED:
            others = {each: value for each, value in REQUIRED.items() if each != name}
            if not _run(["docker-compose", "config", "--quiet"], others, folder):
                return f"docker-compose.yml starts without {name}."
    return ""


def check_caddy() -> str:
    """Check that the proxy reads its file."""
    environment = {"SITE_ADDRESS": REQUIRED["SITE_HOST"], "UPSTREAM": "web:8000"}
    command = ["caddy", "validate", "--config", str(PRODUCTION / "Caddyfile"), "--adapter", "caddyfile"]
    with tempfile.TemporaryDirectory() as folder:
        return _run(command, environment, folder)


def check_units() -> str:
    """Check the units of systemd, below a root where the programs that they start exist."""
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for unit in sorted(PRODUCTION.glob("segment-exports*")):
            text = unit.read_text(encoding="utf-8").replace("/opt/segment-exports/.venv/bin/", "/bin/true ")
            units.append(Path(folder) / unit.name)
            units[-1].write_text(re.sub(r"file:/opt\S*", "man:true(1)", text), encoding="utf-8")
        command = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
        return _run(command, {}, folder, silent=True)


def check_prometheus() -> str:
    """Check the alert rules for Prometheus, and the expressions of the dashboard for Grafana as rules."""
    panels = json.loads((PRODUCTION / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    expressions = [
        target["expr"].replace("$__rate_interval", "5m") for each in panels for target in each["targets"]
    ]
    rules = [{"record": f"panel_{number}", "expr": each} for number, each in enumerate(expressions)]
    with tempfile.TemporaryDirectory() as folder:
        dashboard = Path(folder) / "dashboard.yml"
        dashboard.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
        files = [str(PRODUCTION / "prometheus-alerts.yml"), str(dashboard)]
        return _run(["promtool", "check", "rules", *files], {}, folder)


def _run(command: list[str], environment: Mapping[str, str], folder: str, *, silent: bool = False) -> str:
    """Run a command; return what it says when it fails, or at all when it has to be ``silent``."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": folder, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stderr + done.stdout).strip()
    return (said or f"ended with {done.returncode}") if done.returncode or (silent and said) else ""


if __name__ == "__main__":
    main()
