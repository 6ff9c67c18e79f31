"""Static files are collected when they changed, which a fingerprint of names, sizes and times tells at once."""

import hashlib
import os
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect() -> bool:
    """Collect them unless those collected last are still the same; whether it was necessary."""
    kept = settings.VAR_DIR / "static.fingerprint"
    current = _fingerprint()
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and kept.exists() and kept.read_text(encoding="ascii") == current:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    kept.write_text(current, encoding="ascii")
    return True


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{settings.VERSION} {settings.STATIC_ROOT}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = os.stat(storage.path(name))
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
