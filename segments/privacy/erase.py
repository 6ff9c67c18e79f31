"""Erasing a person: one transaction, in which everybody forgets, and a keyed hash stays."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.text.addresses import comparable_email
from segments import hooks, permissions
from segments.models import DataSource, ErasedHash, Erasure, Profile, Segment
from segments.privacy import erasure_barrier
from segments.privacy.subject_access import find_subject
from segments.privacy.subjects import Scope, Subject

_WAIT = "5s"
# Waited too long for a lock, or two waited for each other.
_BUSY = {"55P03", "40P01"}


class NotNow(Exception):
    """Nothing was erased; the sentence says what has to happen first."""


def erase(
    profile: Profile, *, scope: Scope, same_key: bool = False, lists: Collection[str] = (), by: User
) -> Erasure:
    """Erase the person behind ``profile``, and have them removed from the lists that ``lists`` names. Raises
    PermissionDenied and NotNow."""
    permissions.check_can_answer_for_people(by)
    with _patiently(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_WAIT])
        subject = _locked(profile, scope, same_key)
        _check_rules(subject)
        return _erase(subject, lists, by)


def named_in(subject: Subject) -> list[Segment]:
    """Segments whose rules name one of the person's addresses."""
    segments = Segment.objects.order_by("name")
    return [each for each in segments if _names_one_of(subject.emails, each.rules)]


def _names_one_of(emails: Sequence[str], rules: object) -> bool:
    """Whether an address stands in rules, in whatever spelling."""
    if isinstance(rules, Mapping):
        return any(_names_one_of(emails, each) for each in rules.values())
    if isinstance(rules, list):
        return any(_names_one_of(emails, each) for each in rules)
    text = str(rules)
    return comparable_email(text) in emails or any(email in text.lower() for email in emails)


def _locked(profile: Profile, scope: Scope, same_key: bool) -> Subject:
    """Who is meant, with their data sources locked and the gate closed, so that nobody carries them anywhere."""
    _lock_sources(find_subject(profile, scope=scope, same_key=same_key))
    erasure_barrier.close()
    current = Profile.objects.select_related("source").filter(pk=profile.pk).first()
    if current is None:
        raise NotNow(_("This person is gone already."))
    subject = find_subject(current, scope=scope, same_key=same_key)
    _lock_sources(subject)  # an import may have brought more of them in this moment
    return subject


def _lock_sources(subject: Subject) -> None:
    sources = {each.source_id for each in subject.profiles}
    rows = DataSource.objects.select_for_update(no_key=True).filter(pk__in=sources).order_by("pk")
    list(rows.values_list("pk", flat=True))


def _check_rules(subject: Subject) -> None:
    if segments := named_in(subject):
        names = ", ".join(f"“{segment}”" for segment in segments)
        raise NotNow(
            _(
                "The rules of %(segments)s name the person’s address. Nothing was erased; "
                "take the address out of the rules first."
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
    erasure.figures = {**_forget(subject), **elsewhere}
    erasure.save(update_fields=["figures"])
    record("person.erased", erasure, by=by, changes={name: (count, 0) for name, count in erasure.figures.items()})
    return erasure


def _forget(subject: Subject) -> dict[str, int]:
    """What this app itself knows goes."""
    ids = subject.profile_ids
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (DELETE FROM segments_member WHERE profile_id = ANY (%s) RETURNING segment_id),
                 counted AS (SELECT segment_id, count(*) AS people FROM gone GROUP BY segment_id)
            UPDATE segments_segment segment SET member_count = greatest(0, member_count - people)
              FROM counted WHERE counted.segment_id = segment.id
            """,
            [ids],
        )
        segments = cursor.rowcount
        cursor.execute(
            """
            WITH gone AS (DELETE FROM segments_profile WHERE id = ANY (%s) RETURNING source_id),
                 counted AS (SELECT source_id, count(*) AS people FROM gone GROUP BY source_id)
            UPDATE segments_datasource source SET profile_count = greatest(0, profile_count - people)
              FROM counted WHERE counted.source_id = source.id
            """,
            [ids],
        )
    _forget_problems(subject.emails)
    return {"profiles": len(ids), "segments": segments}


def _forget_problems(emails: Sequence[str]) -> None:
    """Reasons for which rows were kept out may quote what stood in them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE segments_importproblem SET reason = %s"
            " WHERE EXISTS (SELECT FROM unnest(%s::text[]) email WHERE strpos(lower(reason), email) > 0)",
            [_("The person of this row was erased."), list(emails)],
        )


@contextmanager
def _patiently() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") not in _BUSY:
            raise
        raise NotNow(
            _("An import or a plan is being written right now. Nothing was erased; try again in a minute.")
        ) from error
