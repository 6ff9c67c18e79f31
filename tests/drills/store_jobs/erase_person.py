"""Erase the person with a key, in a process of its own: python -m tests.drills.store_jobs.erase_person KEY"""

import os
import sys

import django


def main(key: str) -> None:
    """Erase the person as the first administrator."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from config.platform.accounts.actions import administrators
    from segments.privacy import erase
    from segments.privacy.subjects import Scope
    from segments.store.profiles import Condition, select_profiles

    (profile,) = select_profiles(Condition("key = ?", [key]))
    administrator = administrators().order_by("pk").first()
    assert administrator is not None
    erase.erase(profile, scope=Scope.ADDRESS, by=administrator)


if __name__ == "__main__":
    main(sys.argv[1])
