"""Find the person behind a profile, and report all personal data about them (subject access)."""

from typing import Any

from django.db import transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from segments import hooks, permissions
from segments.models import Profile
from segments.privacy import subjects
from segments.privacy.subjects import Scope, Subject, subject_of


class _AnonymousPerson:
    """A person in the audit record, by a hash that does not identify them."""

    def __init__(self, profile: Profile) -> None:
        self.pk = profile.pk
        self._short_id = subjects.hash_of_key(profile.source_id, profile.key).hex[:8]

    def __str__(self) -> str:
        return f"#{self._short_id}"


@transaction.atomic
def personal_data_report(profile: Profile, *, by: User) -> dict[str, Any]:
    """Return all personal data about the person behind a profile, and record the download. Includes other
    profiles with the same address. Raises PermissionDenied."""
    permissions.check_can_manage_personal_data(by)
    subject = find_subject(profile, scope=Scope.ADDRESS)
    report: dict[str, Any] = {
        "as_of": clock.now().isoformat(),
        "addresses": list(subject.emails),
        "profiles": [_profile(each) for each in subject.profiles],
    }
    report |= hooks.personal_data.report(subject)
    report["lists"] = _lists(subject)
    record("person.downloaded", _AnonymousPerson(profile), by=by)
    return report


def find_subject(profile: Profile, *, scope: Scope, same_key: bool = False) -> Subject:
    """Find the person behind ``profile`` by the attributes that contacts are addressed by. With Scope.PROFILE an
    address that no other profile has still belongs to the person."""
    email_attributes = hooks.personal_data.email_attributes()
    with_address = subject_of(profile, email_attributes, scope=Scope.ADDRESS, same_key=same_key)
    if scope == Scope.ADDRESS:
        return with_address
    alone = subject_of(profile, email_attributes, scope=Scope.PROFILE, same_key=same_key)
    return alone if len(alone.profiles) < len(with_address.profiles) else with_address


def _profile(profile: Profile) -> dict[str, Any]:
    memberships = profile.memberships.select_related("segment").order_by("segment__name")
    return {
        "data_source": profile.source.name,
        "key": profile.key,
        "attributes": profile.attributes,
        "created_at": profile.created_at.isoformat(),
        "updated_at": profile.updated_at.isoformat(),
        "segments": [
            {
                "name": member.segment.name,
                "refreshed_at": member.segment.refreshed_at and member.segment.refreshed_at.isoformat(),
            }
            for member in memberships
        ],
    }


def _lists(subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "destination": each.destination,
            "list": each.title,
            "connection": each.connection,
            "first_sent_at": each.first_at and each.first_at.isoformat(),
            "last_sent_at": each.last_at and each.last_at.isoformat(),
        }
        for each in hooks.personal_data.lists(subject)
    ]
