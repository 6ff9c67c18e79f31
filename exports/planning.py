"""What a run will send: everyone in the segments, each with a verdict, and the difference cut into batches.

PostgreSQL selects, joins and deduplicates into a temporary table with one row per member and an *action* for each:
invalid, duplicate, no_consent, unchanged, still_refused, add or update; then those who come back are told apart
(returning.py), and whoever has left is to be removed (removing.py). It also cuts the difference into batches, of
mapped values as they are: conversion to the list's own form waits until a batch is sent (converting.py), where it
costs no time of its own. All of it is one transaction: a plan is there or it is not. The same code, rolled back,
is the preview.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.jobs import clock
from config.jobs.leases import Keeper, fenced_update
from config.jobs.models import JobStatus
from connections.destinations import registry
from connections.destinations.base import Destination
from connections.destinations.values import Deed, Mark, SendSettings, Violation
from exports import answering, clearing, matching, removing, returning
from exports.batch_writing import BatchWriter, Person, stop_if_asked
from exports.models import DeliveredSet, OutcomeKind, Run, Stage
from exports.rights import forgetting
from exports.run_states import Reason, RunEnded
from segments import audience
from segments.rights import gate

NO_EMAIL = "no_email"
BAD_EMAIL = "bad_email"
DUPLICATE = "duplicate"
NO_CONSENT = "no_consent"
_FETCH = 2000
# What is done to whom, in the order of sending: those who are new come first, so that few batches mix them with
# others and the answers tell whom the export has brought.
_DEEDS = {
    "add": Deed.SEND,
    "unmark": Deed.SEND,
    "update": Deed.SEND,
    "bring_back": Deed.BRING_BACK,
    "resubscribe": Deed.RESUBSCRIBE,
}
# Few, and each sent in a way of their own.
_COME_BACK = ("unmark", "bring_back", "resubscribe")


@dataclass(frozen=True)
class Figures:
    """How many members met which verdict."""

    invalid: int = 0
    duplicate: int = 0
    no_consent: int = 0
    unchanged: int = 0
    still_refused: int = 0
    add: int = 0
    update: int = 0
    unmark: int = 0  # had left and were marked; come back
    bring_back: int = 0  # had left and were deleted; come back
    resubscribe: int = 0  # the list had left them as they are; a person lets them be sent all the same

    @property
    def members(self) -> int:
        return self.invalid + self.duplicate + self.no_consent + self.people

    @property
    def people(self) -> int:
        """Who is, or shall be, on the list because of this plan, or was refused there."""
        return self.unchanged + self.still_refused + self.to_send

    @property
    def to_add(self) -> int:
        return self.add + self.unmark + self.bring_back

    @property
    def to_update(self) -> int:
        return self.update + self.resubscribe

    @property
    def to_send(self) -> int:
        return self.to_add + self.to_update


@transaction.atomic
def plan(run: Run, keeper: Keeper) -> None:
    """Write the run's batches and its exceptional outcomes, and let it enter delivery. Raises RunEnded when the
    plan must not be sent, LeaseLost when another worker has the run."""
    if run.clears is not None:
        clearing.plan(run, run.clears, keeper)
        return
    delivered_set = _delivered_set(run)
    erased_until = gate.last_erasure()
    _draw(run.frozen, delivered_set.pk)
    figures = count()
    _check_limits(run, figures)
    stop_if_asked(keeper)
    _keep_exceptions(run)
    writer = BatchWriter(run, registry.get(run.account.partition(":")[0]).capabilities, keeper)
    _cut_into_batches(run, writer)
    violations = _write_those_who_come_back(run, writer)
    planned = writer.written
    removals = removing.plan(run, delivered_set, writer)
    gate.enter()
    erased, staying = (0, 0)
    if gate.last_erasure() != erased_until:
        erased, staying = forgetting.drop_gone(run), forgetting.drop_unknown(run, delivered_set.pk)
    keeper.report()  # from here on progress counts what is delivered, and is written with it
    fenced_update(
        run,
        stage=Stage.DELIVER,
        planned_at=clock.now(),
        members=figures.members - erased,
        invalid=figures.invalid + violations,
        duplicates=figures.duplicate,
        without_consent=figures.no_consent,
        unchanged=figures.unchanged,
        still_refused=figures.still_refused,
        to_add=figures.to_add,
        to_update=figures.to_update,
        planned=planned - erased,
        to_remove=removals.to_remove - staying,
        removals_held=removals.held,
        held_because=removals.held_because,
        progress_done=0,
        progress_total=planned - erased + removals.to_remove - staying,
    )


def stop_if_canceled(run: Run) -> None:
    """Raise RunEnded when a person has canceled the run by now: what has not begun does not begin."""
    run.refresh_from_db(fields=["cancel_requested_at"])
    if run.cancel_requested_at is not None:
        raise RunEnded(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)


def _delivered_set(run: Run) -> DeliveredSet:
    delivered_set, _created = DeliveredSet.objects.update_or_create(
        export_id=run.export_id,
        account=run.account,
        list_id=run.list_id,
        defaults={"list_title": str(run.frozen.get("list_title", ""))[:200]},
    )
    return delivered_set


def _check_limits(run: Run, figures: Figures) -> None:
    unique = figures.people
    if unique > settings.MAX_PROFILES_PER_EXPORT:
        sentence = _("The segments hold %(unique)d people with a valid address; the limit is %(limit)d.") % {
            "unique": unique,
            "limit": settings.MAX_PROFILES_PER_EXPORT,
        }
        raise RunEnded(JobStatus.FAILED, Reason.TOO_MANY_PROFILES, sentence)
    _check_contract(run)
    emailed = figures.add + figures.bring_back
    if emailed and run.frozen["confirmed_opt_in"] and not run.frozen["opt_in_mail_accepted"]:
        sentence = _("%(type)s would email %(new)d new people to confirm.") % {
            "type": registry.get(run.account.partition(":")[0]).label,
            "new": emailed,
        }
        raise RunEnded(JobStatus.NEEDS_CONFIRMATION, Reason.OPT_IN_MAIL, sentence)


def _check_contract(run: Run) -> None:
    """No more people than the contract allows, over everything that goes out over this connection."""
    connection = run.export.connection
    limit = connection.limited.most_people if connection else None
    if limit is None:
        return
    with database.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT email FROM plan
                 WHERE action IN ('add', 'update', 'unchanged', 'unmark', 'bring_back', 'resubscribe')
                 UNION
                SELECT delivered.email
                  FROM exports_delivered delivered
                  JOIN exports_deliveredset known ON known.id = delivered.delivered_set_id
                  JOIN exports_export export ON export.id = known.export_id
                 WHERE export.connection_id = %s) people
            """,
            [run.export.connection_id],
        )
        people = cursor.fetchone()[0]
    if people > limit:
        sentence = _(
            "With this run, exports would have brought %(people)d people over this connection; "
            "its contract allows %(limit)d."
        ) % {"people": people, "limit": limit}
        raise RunEnded(JobStatus.FAILED, Reason.TOO_MANY_PROFILES, sentence)


def draw(frozen: Mapping[str, Any], account: str, list_id: str, export_id: int | None) -> Figures:
    """The verdicts for a preview, in the temporary table of this transaction (the caller rolls it back)."""
    known = DeliveredSet.objects.filter(export=export_id, account=account, list_id=list_id).first()
    _draw(frozen, known.pk if known else 0)
    return count()


def _draw(frozen: Mapping[str, Any], delivered_set_id: int) -> None:
    """Fill the temporary table ``plan``: a row per member, with its verdict, in the order of addresses. (OFFSET 0
    keeps PostgreSQL from putting the expressions into each other and judging every address again and again.)"""
    members, members_params = audience.members_sql([segment["id"] for segment in frozen["segments"]])
    email, email_params = audience.email_sql(frozen["email_attribute"])
    attributes = [pair["attribute"] for pair in frozen["mapping"]]
    agreed, declined, consent_params = _consent_sql(frozen.get("required_attribute", ""))
    answers = answering.fragments(frozen)
    values = f"jsonb_build_array({', '.join(['attributes -> %s'] * len(attributes))})"
    statement = f"""
        CREATE TEMPORARY TABLE plan ON COMMIT DROP AS
        WITH person AS (
            SELECT profile_id, updated_at, {email} AS email, {values} AS mapped,
                   {agreed} AS agreed, {declined} AS declined{answers.says}
              FROM ({members}) member OFFSET 0
        ), judged AS (
            SELECT *, email ~ %s AND length(email) <= %s AS valid,
                   md5({answers.hashed} || mapped::text)::uuid AS data_hash
              FROM {f"(SELECT *{answers.strictest} FROM person) answered" if answers.strictest else "person"}
            OFFSET 0
        ), ranked AS (
            SELECT *, CASE WHEN valid THEN row_number() OVER (
                               PARTITION BY email ORDER BY updated_at DESC, profile_id DESC) END AS place,
                   {"bool_or(declined) OVER (PARTITION BY email)" if consent_params else "false"} AS any_declined
              FROM judged
        )
        SELECT ranked.profile_id, ranked.email, ranked.mapped{answers.appended} AS mapped, ranked.data_hash,
               CASE WHEN valid IS NOT TRUE THEN 'invalid'
                    WHEN place > 1 THEN 'duplicate'
                    WHEN any_declined OR NOT agreed THEN 'no_consent'
                    WHEN refused.data_hash = ranked.data_hash AND NOT refused.ask_again THEN 'still_refused'
                    WHEN delivered.data_hash = ranked.data_hash THEN 'unchanged'
                    WHEN delivered.data_hash IS NOT NULL THEN 'update'
                    ELSE 'add' END AS action
          FROM ranked
          LEFT JOIN exports_delivered delivered
                 ON delivered.delivered_set_id = %s AND delivered.email = ranked.email
          LEFT JOIN exports_refused refused
                 ON refused.delivered_set_id = %s AND refused.email = ranked.email
    """  # noqa: S608 - only our own fragments are put in; every value is a parameter
    params = [
        *email_params,
        *attributes,
        *consent_params,
        *answers.says_params,
        *members_params,
        audience.VALID_EMAIL,
        audience.LONGEST_EMAIL,
        *answers.hashed_params,
        delivered_set_id,
        delivered_set_id,
    ]
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.plan")
        # People cost far more to judge than to hand over, which the planner's own figure does not know.
        cursor.execute("SELECT set_config('parallel_tuple_cost', '0.01', true)")
        cursor.execute(statement, params)
    returning.adjust(frozen, delivered_set_id)


def _consent_sql(attribute: str) -> tuple[str, str, list[str]]:
    """Whether a member says yes, and whether they say no, to what the connection requires; of several with one
    address nobody may say no. Nothing required: everybody agrees."""
    if not attribute:
        return "true", "false", []
    says = "coalesce(attributes -> %s = '{}'::jsonb, false)"
    return says.format("true"), says.format("false"), [attribute, attribute]


def count() -> Figures:
    """The verdicts of the drawn plan, counted."""
    with database.cursor() as cursor:
        cursor.execute("SELECT action, count(*) FROM plan GROUP BY action")
        return Figures(**dict(cursor.fetchall()))


def _keep_exceptions(run: Run) -> None:
    """Rows for who is invalid, a duplicate or without consent; everybody else is answered by the batches."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO exports_outcome (run_id, kind, profile_id, email, code, message)
            SELECT %s, action, profile_id, coalesce(email, ''),
                   CASE WHEN action = 'duplicate' THEN %s WHEN action = 'no_consent' THEN %s
                        WHEN email IS NULL THEN %s ELSE %s END, ''
              FROM plan WHERE action IN ('invalid', 'duplicate', 'no_consent')
            """,
            [run.pk, DUPLICATE, NO_CONSENT, NO_EMAIL, BAD_EMAIL],
        )


def people(
    destination: Destination,
    settings: SendSettings,
    *,
    actions: Collection[str] = tuple(_DEEDS),
    limit: int | None = None,
) -> Iterator[Person | tuple[int, str, Violation]]:
    """Everyone to be sent by these actions, in the destination's form and in a stable order; or who cannot be,
    and why."""
    prepare = destination.preparer(settings)
    statement = "SELECT profile_id, email, mapped, data_hash::text, action, mark_field FROM plan"
    statement += " WHERE action = ANY (%s) ORDER BY array_position(%s, action), profile_id"
    if limit is not None:
        statement += f" LIMIT {int(limit)}"
    with closing(database.chunked_cursor()) as cursor:
        cursor.execute(statement, [list(actions), list(_DEEDS)])
        while rows := cursor.fetchmany(_FETCH):
            for profile_id, email, mapped, data_hash, action, mark_field in rows:
                prepared = prepare(email, orjson.loads(mapped))
                if isinstance(prepared, Violation):
                    yield profile_id, email, prepared
                    continue
                if mark_field:
                    prepared = destination.welcomed_back(prepared, Mark(mark_field, ""))
                yield Person(profile_id, email, prepared, data_hash, action == "add", _DEEDS[action])


def _cut_into_batches(run: Run, writer: BatchWriter) -> None:
    """Write what is to be sent as numbered batches, who is new first. Members stand in the order of addresses, so
    that they also lie side by side in the index of *delivered*."""
    columns = "profile_id, email, mapped, data_hash"
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO exports_batch (run_id, number, label, deed, adds, status, attempt, size, profile_ids,
                                       emails, payloads, hashes, converted, delivered, new_people, "left",
                                       rejected, unaccounted, code, message)
            SELECT %(run)s, number, number::text, %(deed)s, count(*) FILTER (WHERE is_new), 'planned', 0, count(*),
                   array_agg(profile_id ORDER BY place), array_agg(email ORDER BY place),
                   array_agg(mapped::text ORDER BY place), array_agg(data_hash ORDER BY place), false,
                   0, 0, 0, 0, 0, '', ''
              FROM (SELECT *, (place - 1) / %(rows)s + 1 AS number
                      FROM (SELECT *, row_number() OVER () AS place
                              FROM (SELECT {columns}, true AS is_new FROM plan WHERE action = 'add'
                                     UNION ALL
                                    SELECT {columns}, false FROM plan WHERE action = 'update') person) placed)
                   numbered
             GROUP BY number RETURNING size
            """,  # noqa: S608 - only our own fragments are put in
            {"run": run.pk, "deed": Deed.SEND.value, "rows": writer.capabilities.batch_rows},
        )
        sizes = [size for (size,) in cursor.fetchall()]
    writer.go_on_after(len(sizes), people=sum(sizes))
    stop_if_asked(writer.keeper)


def _write_those_who_come_back(run: Run, writer: BatchWriter) -> int:
    """Batches of those who are sent in a way of their own; how many of them could not be converted."""
    destination = registry.get(run.account.partition(":")[0])
    violations = 0
    settings = matching.send_settings(run.list_id, run.frozen)
    for found in people(destination, settings, actions=_COME_BACK):
        if isinstance(found, Person):
            writer.add(found)
        else:
            _keep_violation(run, *found)
            violations += 1
    writer.flush()
    return violations


def _keep_violation(run: Run, profile_id: int, email: str, violation: Violation) -> None:
    run.outcomes.create(
        kind=OutcomeKind.INVALID,
        profile_id=profile_id,
        email=email,
        code=violation.code,
        message=violation.message,
    )
