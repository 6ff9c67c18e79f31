"""Taking an erased person off the lists they were sent to: a job for each list, tried until it is done or a week
has passed. The address is sealed meanwhile, and gone when the job ends."""

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from config.platform import retention
from config.platform.encryption.fields import Sealed
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import JobStatus
from connections import credentials
from connections.destinations.errors import DestinationError, NeedsAdministrator, TryLater
from connections.models import Connection
from connections.vault import NotConnected
from exports.models import Batch, BatchStatus, DisclosedList, PersonRemoval
from exports.privacy import disclosures
from exports.state import retry_policy
from segments.models import Erasure
from segments.privacy.subjects import Subject

logger = logging.getLogger(__name__)

_IN_FLIGHT_SECONDS = 2.0


def request(subject: Subject, erasure: Erasure, list_keys: Collection[str]) -> int:
    """Queue the removal of the person from those of their lists that the keys name; how many jobs that made."""
    wanted = {each.disclosed_list for each in disclosures.of_people(subject.email_hashes)}
    jobs = [
        _job(found, connection, email, erasure)
        for found in wanted
        if str(found.pk) in list_keys and (connection := connection_of(found)) is not None
        for email in subject.emails
    ]
    for job in PersonRemoval.objects.bulk_create(jobs):
        enqueue_on_commit("exports.tasks.remove_person", job.pk)
    return len(jobs)


def connection_of(disclosed: DisclosedList) -> Connection | None:
    """Return the connection that still leads to a list, if it can remove subscribers."""
    found = _leading_to(disclosed)
    return found if found and found.destination.capabilities.removes_people else None


def why_not(disclosed: DisclosedList) -> str:
    """Say why subscribers cannot be removed from a list here; empty where they can."""
    found = _leading_to(disclosed)
    if found is None:
        return _("No connection gives access to this list anymore. Remove the contact there manually.")
    if not found.destination.capabilities.removes_people:
        return _("This destination does not support removal. Remove the contact there manually.")
    return ""


def _leading_to(disclosed: DisclosedList) -> Connection | None:
    found = Connection.objects.filter(pk=disclosed.connection_id or 0).first()
    return found if found and found.account == disclosed.account and not found.is_being_removed else None


def due() -> list[int]:
    """Select removals that no worker holds and whose time has come."""
    waits_for_nothing = Q(due_at=None) | Q(due_at__lte=clock.now())
    return list(leases.claimable(PersonRemoval).filter(waits_for_nothing).values_list("pk", flat=True)[:100])


def remove_from_list(removal_id: int) -> None:
    """Try one removal, unless another worker holds it."""
    unfinished = PersonRemoval.objects.filter(pk=removal_id, lease_until__isnull=False).exists()
    job = leases.claim(PersonRemoval(pk=removal_id)) if removal_id in due() else None
    if job is None:
        return
    with leases.hold(job):
        try:
            if _is_in_flight(job):
                _later(job, _IN_FLIGHT_SECONDS, _("The contact was being sent to the list during the erasure."))
            else:
                _try(job, taken_over=unfinished)
        except leases.LeaseLost:
            logger.warning("removal %s: another worker has taken over", job.pk)


def _try(job: PersonRemoval, *, taken_over: bool) -> None:
    """Remove the person once. A job that was ``taken_over`` from a worker that stopped answering is tried again
    when a call of that worker cannot land any more."""
    try:
        was_there = _remove(job)
    except leases.LeaseLost:  # nothing was sent after the lease; the next attempt finds out what stands there
        raise
    except (TryLater, NeedsAdministrator, NotConnected) as trouble:
        _after_trouble(job, getattr(trouble, "sentence", str(trouble)))
    except DestinationError as refused:
        _end(job, JobStatus.FAILED, refused.sentence)
    except CannotDecrypt:
        logger.exception("removal %s: the address cannot be read", job.pk)
        _end(
            job, JobStatus.FAILED, _("The address cannot be decrypted. Remove the contact from the list manually.")
        )
    except Exception:
        logger.exception("removal %s: unexpected error", job.pk)
        _after_trouble(job, _("An unexpected error occurred. See the log for details."))
    else:
        if taken_over and job.connection is not None:
            told = _("A worker stopped during the removal. The list will be checked again.")
            _later(job, job.connection.destination.call_seconds, told)
            return
        told = _("Removed from the list.") if was_there else _("The contact was no longer on the list.")
        _end(job, JobStatus.SUCCESSFUL, told)


def _remove(job: PersonRemoval) -> bool:
    if job.connection is None:
        raise NotConnected(_("The connection was removed."))
    if not isinstance(job.email, Sealed):
        return False
    access = credentials.access(job.connection)
    return job.connection.destination.remove_person(access, job.list_id, job.email.open()["email"])


def _is_in_flight(job: PersonRemoval) -> bool:
    """A request that may hold the person is still out: what it brings has to be there to be removed."""
    return Batch.objects.filter(
        run__account=job.account, run__list_id=job.list_id, status=BatchStatus.SENDING, emails__contains=[""]
    ).exists()


def _after_trouble(job: PersonRemoval, sentence: str) -> None:
    if job.connection is None or job.created_at < retention.LIST_REMOVALS.cutoff():
        told = _("{why} Gave up after several attempts. Remove the contact from the list manually.").format(
            why=sentence
        )
        _end(job, JobStatus.FAILED, told)
        return
    tries = job.tries + 1
    policy = retry_policy.ERASURE
    exhausted = policy.is_exhausted(tries)
    seconds = retry_policy.ERASURE_SECONDS_AFTERWARDS if exhausted else policy.seconds_after(tries)
    _later(job, seconds, sentence, tries=tries)


def _later(job: PersonRemoval, seconds: float, sentence: str, **values: int) -> None:
    due_at = clock.now() + timedelta(seconds=seconds)
    leases.update_if_owner(job, due_at=due_at, lease_until=None, message=sentence, **values)


def _end(job: PersonRemoval, status: JobStatus, sentence: str) -> None:
    leases.update_if_owner(
        job, status=status, message=sentence, email=None, finished_at=clock.now(), lease_until=None, due_at=None
    )


def _job(found: DisclosedList, connection: Connection, email: str, erasure: Erasure) -> PersonRemoval:
    sealed: Any = Sealed.of({"email": email})
    return PersonRemoval(
        erasure_id=erasure.pk,
        connection=connection,
        connection_name=connection.name,
        account=found.account,
        list_id=found.list_id,
        list_title=found.list_title,
        email=sealed,
    )
