"""`manage.py check --deploy` has nothing to say about production settings, and much about careless ones."""

import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[3]


def checked(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(folder),
        "DATABASE_URL": "postgres://exports:word@db.example/exports",
        "REDIS_URL": "redis://redis.example/0",
        "SECRET_KEY": "3d9f" * 16 + "-Zq_",
        "ENCRYPTION_KEYS": f"k1:{Fernet.generate_key().decode()}",
        "ALLOWED_HOSTS": "exports.example.com",
        "HTTPS": "yes",
        **settings,
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_production_settings_are_clean(tmp_path: Path) -> None:
    found = checked(
        tmp_path,
        EMAIL_URL="smtp+tls://user:word@mail.example:587",
        OIDC_ISSUER="https://id.example",
        OIDC_CLIENT_ID="a",
        OIDC_CLIENT_SECRET="b",
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert "no issues" in found.stdout


def test_careless_settings_are_told(tmp_path: Path) -> None:
    found = checked(tmp_path, HTTPS="no", SECRET_KEY="short")
    assert found.returncode == 1
    for told in ("house.W004", "house.E005", "security.W004"):
        assert told in found.stderr
