"""Tidy the profile store: finish deletions that a crash interrupted, and delete what is no longer used."""

from django.db.models import F

from config.platform import retention
from config.platform.jobs import clock
from segments import drafts
from segments.models import DeletedAttribute, Erasure, IdentityRules, MemberSet, Segment
from segments.privacy import erase
from segments.sources import held_imports
from segments.store import lake, maintenance, members, profiles, schema
from segments.store.locks import purge_lock, writer_lock
from segments.store.unified import write


def tidy() -> None:
    """Delete what is no longer used, and merge small files."""
    profiles.delete_of_removed_sources()
    delete_unused_sets()
    drop_deleted_columns()
    drafts.delete_expired()
    maintenance.maintain(keep=retention.STORE_VERSIONS.kept_for)


def purge_erased() -> None:
    """Finish erasures that a crash interrupted, delete the files of the profile store that contain erased people
    and the uploads that may, and note when. Does nothing while another process does it: a purge may wait for
    readers, and would keep every thread of the workers waiting for it."""
    with purge_lock() as is_held:
        if not is_held:
            return
        erase.finish_erasures()
        erasures = list(Erasure.objects.filter(purged_at=None, pending_ids=[]).values_list("pk", flat=True))
        if erasures:
            held_imports.cancel_uploads()
            maintenance.purge()
            Erasure.objects.filter(pk__in=erasures).update(purged_at=clock.now())


def drop_deleted_columns() -> None:
    """Drop the columns of deleted attributes when every reader that may still name them has ended."""
    ids = list(
        DeletedAttribute.objects.filter(deleted_at__lt=retention.DELETED_ATTRIBUTES.cutoff()).values_list(
            "pk", flat=True
        )
    )
    if ids:
        schema.drop_columns(ids)
        DeletedAttribute.objects.filter(pk__in=ids).delete()


def forget_former_identity(oldest_set_id: int | None) -> None:
    """Delete what is noted of former unified profiles for member sets before ``oldest_set_id``; None: there are no
    sets. When nothing is left of identity rules that were removed, readers do not read the unified profiles any
    more; the next call deletes these, an hour later."""
    rules = IdentityRules.objects.first()
    if rules is None:
        return
    with lake.writing("forget former identity") as writer:
        if not rules.is_in_use:
            write.delete_all(writer)
            return
        left = write.forget_former(writer, oldest_set_id)
    if not left:
        without = IdentityRules.objects.filter(identifiers=[], applied_version=F("version"))
        without.update(is_in_use=False, is_applied=False)


def delete_unused_sets() -> int:
    """Delete the member sets that no segment names and that are old enough. Returns how many there were."""
    with writer_lock():
        used = set(Segment.objects.exclude(member_set=None).values_list("member_set", flat=True))
        used |= set(Segment.objects.exclude(previous_set=None).values_list("previous_set", flat=True))
        young = MemberSet.objects.filter(created_at__gt=retention.MEMBER_SETS.cutoff())
        kept = {set_id for set_id in (*used, *young.values_list("pk", flat=True)) if set_id is not None}
        deleted = members.delete_other_sets(kept)
        forget_former_identity(min(kept, default=None))
        MemberSet.objects.exclude(pk__in=kept).delete()
    return deleted
