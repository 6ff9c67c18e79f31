"""Find the person behind a profile, and report all personal data about them (subject access)."""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from segments import hooks, permissions
from segments.models import Segment, SegmentDraft
from segments.privacy import rejected_files, subjects
from segments.privacy.inbox import pushed_profiles
from segments.privacy.subjects import Scope, Subject, subject_of
from segments.store import lake, members
from segments.store.profiles import Profile, current_id


class _AnonymousPerson:
    """A person in the audit record, by a hash that does not identify them."""

    def __init__(self, profile: Profile) -> None:
        self.pk = profile.id
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
        "pushed_profiles": list(pushed_profiles(subject)),
        "rejected_rows": list(rejected_files.rows_of(subject.emails)),
        "rules": list(_rules(subject)),
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


def segments_of(profile: Profile) -> list[Segment]:
    """Return the segments that a profile, or the unified profile that it is part of, is a member of, by name."""
    segments = list(Segment.objects.exclude(member_set=None).order_by("name"))
    customer_id = current_id(profile.id)
    with lake.reading() as reader:
        found = members.sets_of_profile(reader, customer_id, [each.member_set_id or 0 for each in segments])
    return [each for each in segments if each.member_set_id in found]


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "data_source": profile.source_name,
        "key": profile.key,
        "attributes": profile.attributes,
        "original_texts": profile.originals,
        "created_at": profile.created_at.isoformat(),
        "updated_at": profile.updated_at.isoformat(),
        "segments": [
            {"name": each.name, "refreshed_at": each.refreshed_at and each.refreshed_at.isoformat()}
            for each in segments_of(profile)
        ],
    }


def _rules(subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield the segments whose rules contain an address of the person, and unsaved rules without their user."""
    segments = Segment.objects.order_by("name").values_list("name", "rules")
    drafts = SegmentDraft.objects.order_by("pk").values_list("segment__name", "rules")
    for rows, is_saved in ((segments, True), (drafts, False)):
        for name, rules in rows:
            if subjects.names_address(subject.emails, rules):
                yield {"segment": name or "", "is_saved": is_saved}


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
