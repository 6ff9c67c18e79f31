"""Save the identity rules, preview what they do, and unify the profiles by them in a job.

A save queues the job. Until it has committed, readers see the profiles as the earlier rules unified them. Imports,
removals of data sources and erasures unify the profiles again in their own commits, by the newest rules.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.web.versions import take_version
from segments import actions, catalog, refresh
from segments.models import (
    AttributeType,
    DataSource,
    IdentityRules,
    NormalForm,
    Segment,
    Unification,
    ValuePreference,
)
from segments.permissions import check_can_manage_identity
from segments.store import lake
from segments.store.identity import StoreMismatch
from segments.store.profiles import source_profiles
from segments.store.unified import groups, write
from segments.store.unified.groups import GroupCounts
from segments.store.unified.rules import Identifier, UnifyRules, rules_of

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 20
# The types of attributes that may identify a customer.
IDENTIFYING_TYPES = (AttributeType.TEXT, AttributeType.INTEGER)


@dataclass(frozen=True)
class RuleChoices:
    """What an administrator chose: identifying attributes with their normal forms, the order of data sources, and
    which values count."""

    identifiers: Sequence[Identifier] = ()
    source_order: Sequence[int] = ()
    preference: ValuePreference = ValuePreference.SOURCE_ORDER
    exceptions: Collection[int] = ()


def stored_rules() -> IdentityRules:
    """Return the identity rules, or new unsaved ones without identifying attributes."""
    return IdentityRules.objects.first() or IdentityRules()


def last_unification() -> Unification | None:
    """Return the newest job, if there was one."""
    return Unification.objects.order_by("-pk").first()


def preview(choices: RuleChoices) -> GroupCounts:
    """Count how many customers the profiles would be by these rules. Nothing is changed."""
    chosen = UnifyRules(identifiers=tuple(choices.identifiers))
    with lake.reading() as reader:
        counts = groups.count_groups(reader, chosen, source_profiles())
        groups.drop(reader, groups.GROUPS)
    return counts


@transaction.atomic
def save_rules(choices: RuleChoices, *, version: int, by: User) -> IdentityRules:
    """Save the identity rules that were read at ``version``, and queue the job that unifies the profiles by them.
    Raises StaleEdit when another user saved since, and PermissionDenied."""
    check_can_manage_identity(by)
    stored, _created = IdentityRules.objects.get_or_create(pk=1)
    take_version(stored, version)
    stored.refresh_from_db()
    before = _described(stored)
    stored.identifiers = [{"attribute": each.attribute.id, "form": each.form} for each in choices.identifiers]
    stored.source_order = list(choices.source_order)
    stored.preference = choices.preference
    stored.exceptions = sorted(choices.exceptions)
    stored.is_in_use = True
    stored.save(update_fields=["identifiers", "source_order", "preference", "exceptions", "is_in_use"])
    _record_edit(stored, before, by)
    queue(by=by)
    return stored


def replace_attribute(before: int, after: int, *, by: User | None) -> None:
    """Let the identity rules name another attribute instead of one that is merged into it, by their IDs, in the
    caller's transaction."""
    stored = IdentityRules.objects.select_for_update().first()
    if stored is None or before not in {*(each["attribute"] for each in stored.identifiers), *stored.exceptions}:
        return
    described = _described(stored)
    take_version(stored, stored.version)
    stored.identifiers = [
        {**each, "attribute": after} if each["attribute"] == before else each for each in stored.identifiers
    ]
    stored.exceptions = [each for each in stored.exceptions if each != before]
    stored.save(update_fields=["identifiers", "exceptions"])
    _record_edit(stored, described, by)


def _record_edit(stored: IdentityRules, before: dict[str, object], by: User | None) -> None:
    after = _described(stored)
    changes = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    record("edited", stored, by=by, version=stored.version, changes=changes)


def queue(*, by: User | None) -> None:
    """Queue the job that unifies the profiles by the newest rules, unless it is open, in the caller's
    transaction."""
    job = Unification.objects.filter(status__in=OPEN).first() or Unification.objects.create(requested_by=by)
    enqueue_on_commit("segments.tasks.unify", job.pk)


def run_unification(job_id: int) -> Unification | None:
    """Claim and run a job. Returns the ended job, or None when another worker has it."""
    job = leases.claim(Unification(pk=job_id))
    if job is None:
        return None
    if job.status == JobStatus.PROCESSING and job.attempt > MAX_ATTEMPTS:
        _fail(job, _("The profiles could not be unified after several attempts."))
        return job
    leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=job.started_at or clock.now())
    with leases.hold(job) as lease:
        try:
            while not _unify(job, lease):
                pass  # the rules were saved again meanwhile
        except leases.LeaseLost:
            logger.warning("unification %s: another worker has taken over", job.pk)
            return None
        except (OperationalError, InterfaceError):
            logger.exception("unification %s: the database was away; it starts over", job.pk)
            raise
        except (StoreMismatch, lake.OutOfMemory) as refusal:
            _fail(job, str(refusal))
        except Exception:
            logger.exception("unification %s failed", job.pk)
            _fail(job, _("An unexpected error occurred. See the log for details. Nothing was changed."))
    return job


def _unify(job: Unification, lease: leases.HeldLease) -> bool:
    """Unify the profiles by the newest rules, and end the job. Returns False when other rules were saved since."""
    with lake.writing(f"unification:{job.pk}:{job.attempt}", waiting=lease.check) as writer:
        lease.check()
        rules = rules_of(stored_rules())
        counts = write.unify(writer, rules, source_profiles())
    with transaction.atomic():
        # A save locks the row as well: either it finds this job open, or this finds its version.
        stored = IdentityRules.objects.select_for_update().get()
        if stored.version != rules.version:
            return False
        stored.applied_version, stored.applied_at = rules.version, clock.now()
        stored.counts, stored.is_applied = asdict(counts), True
        stored.save(update_fields=["applied_version", "applied_at", "counts", "is_applied"])
        _refresh_segments()
        leases.update_if_owner(
            job, status=JobStatus.SUCCESSFUL, finished_at=clock.now(), lease_until=None, message=""
        )
    return True


def _refresh_segments() -> None:
    for segment in Segment.objects.order_by("pk"):
        if not refresh.skip_reason(segment):
            actions.request_refresh(segment, by=None)


def _fail(job: Unification, message: str) -> None:
    leases.update_if_owner(
        job, status=JobStatus.FAILED, message=message, finished_at=clock.now(), lease_until=None
    )


def _described(stored: IdentityRules) -> dict[str, object]:
    """Return the rules for the audit record, with names."""
    attributes = {each.id: each.name for each in catalog.attributes()}
    sources = dict(DataSource.objects.values_list("pk", "name"))
    return {
        "identifiers": [
            f"{attributes[each['attribute']]}: {NormalForm(each['form']).label}"
            for each in stored.identifiers
            if each["attribute"] in attributes
        ],
        "source_order": [sources[pk] for pk in stored.source_order if pk in sources],
        "preference": str(ValuePreference(stored.preference).label),
        "exceptions": [attributes[pk] for pk in stored.exceptions if pk in attributes],
    }
