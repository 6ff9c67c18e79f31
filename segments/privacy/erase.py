"""Erase a person: delete their data everywhere and keep keyed hashes, so that no import adds them again.

An erasure is done with its transaction in PostgreSQL: from then on no reader sees the profiles, since they are
noted as pending. Then they are deleted from the profile store; ``finish_erasures`` does that after a crash.

An erasure holds the lock of the store's writers from before it finds the person, so that no import adds profiles
of theirs meanwhile; an import looks at erasures under that lock. A barrier locks erasures against plans of
exports. A plan enters the barrier before it looks at erasures the last time, and stays until its transaction ends.
An erasure closes the barrier and so waits for open plans. Either the plan sees the erasure, or the erasure finds
the batches.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from django.db import connection
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform import db
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.text.word_lists import join_words
from segments import hooks, permissions
from segments.models import DataSource, ErasedHash, Erasure, PushedBatch, Segment, SegmentDraft
from segments.privacy import inbox, rejected_files
from segments.privacy.subject_access import find_subject, segments_of
from segments.privacy.subjects import Scope, Subject, names_address
from segments.store import lake
from segments.store.locks import writer_lock
from segments.store.profiles import Profile, current_id, delete_erased, get_profile

logger = logging.getLogger(__name__)

_LOCK_SECONDS = 5
_BLOCKED = gettext_lazy("An import or a run is writing data. Nothing was erased. Try again in a minute.")
BARRIER_LOCK = 7_365_676_101


class ErasureBlocked(Exception):
    """Nothing was erased; the message says what has to happen first."""


def erase(
    profile: Profile, *, scope: Scope, same_key: bool = False, lists: Collection[str] = (), by: User
) -> Erasure:
    """Erase the person behind ``profile`` and queue their removal from the lists with the keys ``lists``.
    Raises PermissionDenied and ErasureBlocked."""
    permissions.check_can_manage_personal_data(by)
    with writer_lock(_give_up_after(_LOCK_SECONDS)):
        with db.brief_locks(_LOCK_SECONDS, lambda: ErasureBlocked(_BLOCKED)):
            erasure = _erase_in_database(profile, scope, same_key, lists, by)
        rejected_files.delete_all()
        try:
            finish_erasure(erasure)
        except Exception:  # the person is erased for every reader; the rest is done later
            logger.exception("erasure %s: the profiles will be deleted from the store later", erasure.pk)
    return erasure


def _erase_in_database(
    profile: Profile, scope: Scope, same_key: bool, lists: Collection[str], by: User
) -> Erasure:
    close_erasure_barrier()
    current = get_profile(profile.id)
    if current is None:
        raise ErasureBlocked(_("This customer was already erased."))
    subject = find_subject(current, scope=scope, same_key=same_key)
    _check_rules(subject)
    return _erase(subject, lists, by)


def finish_erasure(erasure: Erasure) -> None:
    """Delete the pending profiles of an erasure from the profile store. Safe to repeat."""
    if not erasure.pending_ids:
        return
    with lake.writing(f"erasure:{erasure.pk}") as writer:
        delete_erased(writer, erasure.pending_ids)
    erasure.pending_ids = []
    erasure.save(update_fields=["pending_ids"])


def purge_is_due() -> bool:
    """Say whether there are erased people in the profile store or in its files."""
    return Erasure.objects.filter(purged_at=None).exists()


def finish_erasures() -> None:
    """Finish the erasures whose process ended before they were finished."""
    for erasure in Erasure.objects.exclude(pending_ids=[]):
        finish_erasure(erasure)


def segments_naming(subject: Subject) -> list[Segment]:
    """Return the segments whose rules contain an address of the person."""
    segments = Segment.objects.order_by("name")
    return [each for each in segments if names_address(subject.emails, each.rules)]


def enter_erasure_barrier() -> None:
    """Enter the barrier until this transaction ends. Waits while an erasure holds it."""
    _lock_barrier("pg_advisory_xact_lock_shared")


def last_erasure() -> int:
    """Return the ID of the last erasure, which changes with every erasure."""
    return Erasure.objects.aggregate(last=Max("pk"))["last"] or 0


def _check_rules(subject: Subject) -> None:
    if segments := segments_naming(subject):
        names = join_words(f"“{segment}”" for segment in segments)
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
    _blank_problems(subject.emails)
    _delete_drafts(subject.emails)
    erasure.counts = {**_uncount(subject), **elsewhere}
    _delete_pushed(subject)  # after the data sources are locked, in the order of imports
    erasure.pending_ids = subject.profile_ids
    erasure.save(update_fields=["counts", "pending_ids"])
    record("person.erased", erasure, by=by, changes={name: (count, 0) for name, count in erasure.counts.items()})
    return erasure


def _uncount(subject: Subject) -> dict[str, int]:
    """Take a person off the counts of data sources and segments. Returns counts for the erasure."""
    for source_id, people in Counter(profile.source_id for profile in subject.profiles).items():
        count = Greatest(F("profile_count") - people, 0)
        DataSource.objects.filter(pk=source_id).update(profile_count=count)
    customers = {current_id(profile.id): profile for profile in subject.profiles}
    lost = Counter(segment.pk for profile in customers.values() for segment in segments_of(profile))
    for segment_id, people in lost.items():
        Segment.objects.filter(pk=segment_id).update(member_count=Greatest(F("member_count") - people, 0))
    return {"profiles": len(subject.profiles), "segments": len(lost)}


def _delete_drafts(emails: Sequence[str]) -> None:
    """Delete the drafts of users whose rules contain an address of the person. They are not named as a reason to
    wait, as segments are: other users do not see them."""
    drafts = SegmentDraft.objects.only("rules")
    naming = [each.pk for each in drafts if names_address(emails, each.rules)]
    SegmentDraft.objects.filter(pk__in=naming).delete()


def _delete_pushed(subject: Subject) -> None:
    """Delete the profiles of a person that programs pushed and that are not merged yet. An import that has read
    them already rejects them."""
    batches = PushedBatch.objects.order_by("pk").select_for_update(no_key=True)
    for batch in batches.iterator(chunk_size=inbox.BATCHES_AT_ONCE):
        batch.keep_rows(inbox.rows_of(batch, subject, theirs=False))


def _blank_problems(emails: Sequence[str]) -> None:
    """Replace the reasons of refused rows that quote an address of the person."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE segments_importproblem SET reason = %s"
            " WHERE EXISTS (SELECT FROM unnest(%s::text[]) email WHERE strpos(lower(reason), email) > 0)",
            [_("The customer in this row was erased."), list(emails)],
        )


def _give_up_after(seconds: float) -> Callable[[], None]:
    until = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > until:
            raise ErasureBlocked(_BLOCKED)

    return check


def close_erasure_barrier() -> None:
    """Close the barrier until this transaction ends. Waits for the transfers inside."""
    _lock_barrier("pg_advisory_xact_lock")


def _lock_barrier(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [BARRIER_LOCK])
