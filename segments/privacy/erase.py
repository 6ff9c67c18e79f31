"""Erase a person: delete their data everywhere in one transaction and keep keyed hashes, so that no import adds
them again.

A barrier locks erasures against imports and plans. A transfer (an import, a plan) enters the barrier before it
looks at erasures the last time, and stays until its transaction ends. An erasure closes the barrier and so waits
for open transfers. Either the transfer sees the erasure, or the erasure finds what was transferred.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.text.addresses import comparable_email
from segments import hooks, permissions
from segments.models import DataSource, ErasedHash, Erasure, Profile, Segment
from segments.privacy.subject_access import find_subject
from segments.privacy.subjects import Scope, Subject

_LOCK_TIMEOUT = "5s"
# Lock timeout and deadlock.
_BUSY = {"55P03", "40P01"}
BARRIER_LOCK = 7_365_676_101


class ErasureBlocked(Exception):
    """Nothing was erased; the message says what has to happen first."""


def erase(
    profile: Profile, *, scope: Scope, same_key: bool = False, lists: Collection[str] = (), by: User
) -> Erasure:
    """Erase the person behind ``profile`` and queue their removal from the lists with the keys ``lists``.
    Raises PermissionDenied and ErasureBlocked."""
    permissions.check_can_manage_personal_data(by)
    with _busy_as_blocked(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        subject = _locked(profile, scope, same_key)
        _check_rules(subject)
        return _erase(subject, lists, by)


def segments_naming(subject: Subject) -> list[Segment]:
    """Return the segments whose rules contain an address of the person."""
    segments = Segment.objects.order_by("name")
    return [each for each in segments if _names_email(subject.emails, each.rules)]


def enter_erasure_barrier() -> None:
    """Enter the barrier until this transaction ends. Waits while an erasure holds it."""
    _lock_barrier("pg_advisory_xact_lock_shared")


def last_erasure() -> int:
    """Return the ID of the last erasure, which changes with every erasure."""
    return Erasure.objects.aggregate(last=Max("pk"))["last"] or 0


def _names_email(emails: Sequence[str], rules: object) -> bool:
    """Say whether a value of rules contains one of the addresses, in any spelling."""
    if isinstance(rules, Mapping):
        return any(_names_email(emails, each) for each in rules.values())
    if isinstance(rules, list):
        return any(_names_email(emails, each) for each in rules)
    text = str(rules)
    return comparable_email(text) in emails or any(email in text.lower() for email in emails)


def _locked(profile: Profile, scope: Scope, same_key: bool) -> Subject:
    """Lock the data sources of the person and close the barrier, then find the person again. Raises
    ErasureBlocked when the profile is deleted."""
    _lock_sources(find_subject(profile, scope=scope, same_key=same_key))
    close_erasure_barrier()
    current = Profile.objects.select_related("source").filter(pk=profile.pk).first()
    if current is None:
        raise ErasureBlocked(_("This customer was already erased."))
    subject = find_subject(current, scope=scope, same_key=same_key)
    _lock_sources(subject)  # an import may just have added more profiles
    return subject


def _lock_sources(subject: Subject) -> None:
    sources = {each.source_id for each in subject.profiles}
    rows = DataSource.objects.select_for_update(no_key=True).filter(pk__in=sources).order_by("pk")
    list(rows.values_list("pk", flat=True))


def _check_rules(subject: Subject) -> None:
    if segments := segments_naming(subject):
        names = ", ".join(f"“{segment}”" for segment in segments)
        raise ErasureBlocked(
            _(
                "The rules of %(segments)s contain the email of this customer. Nothing was erased. "
                "Remove the email from the rules first."
            )
            % {"segments": names}
        )


def _erase(subject: Subject, lists: Collection[str], by: User) -> Erasure:
    hashes = [*subject.key_hashes, *subject.email_hashes]
    first = (subject.email_hashes or subject.key_hashes)[0]
    erasure = Erasure.objects.create(short_id=first.hex[:8], erased_by=by, erased_by_name=str(by))
    ErasedHash.objects.bulk_create(
        [ErasedHash(hash=each, erasure=erasure) for each in dict.fromkeys(hashes)], ignore_conflicts=True
    )
    elsewhere = hooks.personal_data.erase(subject, erasure, lists)
    erasure.counts = {**_delete_profiles(subject), **elsewhere}
    erasure.save(update_fields=["counts"])
    record("person.erased", erasure, by=by, changes={name: (count, 0) for name, count in erasure.counts.items()})
    return erasure


def _delete_profiles(subject: Subject) -> dict[str, int]:
    """Delete the profiles and memberships of a person. Returns counts for the erasure."""
    ids = subject.profile_ids
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH deleted AS (DELETE FROM segments_member WHERE profile_id = ANY (%s) RETURNING segment_id),
                 counted AS (SELECT segment_id, count(*) AS people FROM deleted GROUP BY segment_id)
            UPDATE segments_segment segment SET member_count = greatest(0, member_count - people)
              FROM counted WHERE counted.segment_id = segment.id
            """,
            [ids],
        )
        segments = cursor.rowcount
        cursor.execute(
            """
            WITH deleted AS (DELETE FROM segments_profile WHERE id = ANY (%s) RETURNING source_id),
                 counted AS (SELECT source_id, count(*) AS people FROM deleted GROUP BY source_id)
            UPDATE segments_datasource source SET profile_count = greatest(0, profile_count - people)
              FROM counted WHERE counted.source_id = source.id
            """,
            [ids],
        )
    _blank_problems(subject.emails)
    return {"profiles": len(ids), "segments": segments}


def _blank_problems(emails: Sequence[str]) -> None:
    """Replace the reasons of refused rows that quote an address of the person."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE segments_importproblem SET reason = %s"
            " WHERE EXISTS (SELECT FROM unnest(%s::text[]) email WHERE strpos(lower(reason), email) > 0)",
            [_("The customer in this row was erased."), list(emails)],
        )


@contextmanager
def _busy_as_blocked() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") not in _BUSY:
            raise
        raise ErasureBlocked(
            _("An import or a plan is being written. Nothing was erased. Try again in a minute.")
        ) from error


def close_erasure_barrier() -> None:
    """Close the barrier until this transaction ends. Waits for the transfers inside."""
    _lock_barrier("pg_advisory_xact_lock")


def _lock_barrier(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [BARRIER_LOCK])
