"""Everything that is known of a person, in plain values for a file."""

from typing import Any

from django.db import transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from segments import permissions
from segments.models import Profile
from segments.privacy import erase, hashes, personal_data
from segments.privacy.subjects import Scope, Subject


class Person:
    """What the record says of somebody whose data were taken away: nothing that tells who."""

    def __init__(self, profile: Profile) -> None:
        self.pk = profile.pk
        self._short_id = hashes.of_key(profile.source_id, profile.key).hex[:8]

    def __str__(self) -> str:
        return f"#{self._short_id}"


@transaction.atomic
def everything_about(profile: Profile, *, by: User) -> dict[str, Any]:
    """All that the system knows of the person behind a profile, other profiles with their address included;
    raises PermissionDenied. That it was taken is recorded."""
    permissions.check_can_answer_for_people(by)
    subject = erase.meant(profile, scope=Scope.ADDRESS)
    told: dict[str, Any] = {
        "as_of": clock.now().isoformat(),
        "addresses": list(subject.emails),
        "profiles": [_profile(each) for each in subject.profiles],
    }
    for knower in personal_data.all_knowers():
        told |= knower.tell(subject)
    told["lists"] = _places(subject)
    record("person.downloaded", Person(profile), by=by)
    return told


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


def _places(subject: Subject) -> list[dict[str, Any]]:
    return [
        {
            "destination": place.destination,
            "list": place.title,
            "connection": place.connection,
            "first_sent_at": place.first_at and place.first_at.isoformat(),
            "last_sent_at": place.last_at and place.last_at.isoformat(),
        }
        for place in personal_data.places(subject)
    ]
