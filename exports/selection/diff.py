"""Compute the difference between the members of segments and the list state.

``segments.audience`` writes the members into the temporary table ``plan_member``; one statement joins and
deduplicates them into the temporary table ``plan``: a row per member with a PlanAction. Contacts that come back
after a removal get their actions afterwards, with the field from which a mark is cleared.

The hash of a row covers what the list gets of a contact: the mapped values, the fields and the options of the
export. An option may be answered by an attribute of each contact; of several profiles with one address the
strictest answer counts, so that one no is enough.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from django.db import connection as database

from config.platform import db
from connections.destinations.values import BatchOperation, attribute_of
from exports.models import RemovedContact
from exports.models.snapshot import CONTROL, TREATMENT, RunSnapshot
from exports.state import run_settings
from exports.state.known_list import KnownList
from segments import audience
from segments.audience import MemberSelection

# What the planner's own figures do not know: people cost far more to judge than to hand over, who was delivered
# lies side by side in the order of addresses, and few such questions are asked at a time.
_FOR_MASSES = {"parallel_tuple_cost": "0.01", "random_page_cost": "1.1", "work_mem": "64MB"}


@dataclass(frozen=True)
class PlanCounts:
    """How many members met which verdict."""

    invalid: int = 0
    duplicate: int = 0
    exclusion: int = 0
    no_consent: int = 0
    control: int = 0
    unchanged: int = 0
    still_refused: int = 0
    add: int = 0
    update: int = 0
    clear_mark: int = 0  # had left and were marked; come back
    readd: int = 0  # had left and were deleted; come back
    resubscribe: int = 0  # the list had left them as they are; a person lets them be sent all the same

    @property
    def members(self) -> int:
        return self.invalid + self.duplicate + self.not_wanted + self.people

    @property
    def not_wanted(self) -> int:
        """Contacts with a valid address of their own that are excluded."""
        return self.exclusion + self.no_consent + self.control

    @property
    def people(self) -> int:
        """Who is, or shall be, on the list because of this plan, or was refused there."""
        return self.unchanged + self.still_refused + self.to_send

    @property
    def to_add(self) -> int:
        return self.add + self.clear_mark + self.readd

    @property
    def to_update(self) -> int:
        return self.update + self.resubscribe

    @property
    def to_send(self) -> int:
        return self.to_add + self.to_update


# A blank among the mapped values, as an array of them reads.
_BLANK = r'(\[|, )(null|"\s*")(\]|, )'


@dataclass(frozen=True)
class OptionFragments:
    """Fragments to put into the plan: the answers by attributes, of everyone with an address the strictest; what
    comes before the mapped values in the hash; and what follows them in the plan."""

    strictest: str
    hashed: str
    hashed_params: Sequence[str]
    appended: str

    def with_answers(self, mapped: str) -> str:
        """The mapped values, a JSON array as text, with the answers at its end."""
        return f"({mapped}::jsonb || {self.appended})::text" if self.appended else mapped


def compute_diff(snapshot: RunSnapshot, known: KnownList) -> PlanCounts:
    """Fill the temporary table ``plan`` by these settings, as the difference to what is known of the list, in the
    order of addresses; how many met which verdict. Within a transaction."""
    answers = option_fragments(snapshot)
    hashed, hashed_params = _hashed_members("plan_member", answers)
    verdicts = _actions(hashed, answers, snapshot)
    with database.cursor() as cursor:
        for name, value in _FOR_MASSES.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        audience.write_members(snapshot.segment_ids, selection_of(snapshot), table="plan_member")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.plan")
        cursor.execute(
            f"CREATE TEMPORARY TABLE plan ON COMMIT DROP AS {verdicts}",
            [known.export_id] * 2 + [*hashed_params, known.list_state_id, known.delivered_set_id],
        )
        cursor.execute("DROP TABLE plan_member")
    adjust_returning(snapshot, known)
    return _count()


def write_hashes(snapshot: RunSnapshot, profile_ids: Iterable[Sequence[int]], *, table: str) -> None:
    """Write the hashes of what these settings would send of profiles, given in blocks, into a new temporary
    table: columns ``profile_id`` and ``data_hash``."""
    audience.write_profiles(profile_ids, selection_of(snapshot), table="hashed_profile")
    hashed, hashed_params = _hashed_members("hashed_profile", option_fragments(snapshot))
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
        hashes = f"SELECT profile_id, data_hash FROM ({hashed}) member"  # noqa: S608 - only our own fragments
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {hashes}", hashed_params)
        cursor.execute("DROP TABLE hashed_profile")


def selection_of(snapshot: RunSnapshot) -> MemberSelection:
    """Return what a plan reads of each member."""
    return MemberSelection(
        email=snapshot.email_attribute,
        mapped=[pair.attribute for pair in snapshot.mapping],
        consent=snapshot.required_attribute,
        yes_no=[attribute_of(snapshot.answers[name]) for name in _by_attribute(snapshot)],
        share=snapshot.control.group,
        share_words=(CONTROL, TREATMENT) if snapshot.control.written_to else None,
    )


def _hashed_members(table: str, answers: OptionFragments) -> tuple[str, Sequence[str]]:
    """Return SQL and parameters that select the members in ``table`` with the hash of what the list would get."""
    members = f"(SELECT *{answers.strictest} FROM {table})" if answers.strictest else table  # noqa: S608
    hashed = f"SELECT *, md5({answers.hashed} || mapped)::uuid AS data_hash FROM {members} member"  # noqa: S608
    return hashed, answers.hashed_params


def _actions(members: str, answers: OptionFragments, snapshot: RunSnapshot) -> str:
    """What is to be done with each, by what the list is known to hold and to have refused. Nothing is sent of a
    contact whose data are those that were sent last, whichever export did, or that this export sent and that no
    other has written over since. The control group is taken of contacts that would be sent, so it comes after the
    other reasons to exclude a contact, and before what the list is known to hold."""
    any_declined = "bool_or(declined) OVER (PARTITION BY email)" if snapshot.required_attribute else "false"
    held_out = "in_share" if snapshot.control.held_out else "false"
    mapped = answers.with_answers("ranked.mapped")
    return f"""
        SELECT ranked.profile_id, ranked.email, {mapped} AS mapped, ranked.data_hash,
               CASE WHEN valid IS NOT TRUE THEN 'invalid'
                    WHEN place > 1 THEN 'duplicate'
                    WHEN excluded THEN 'exclusion'
                    WHEN any_declined OR NOT agreed THEN 'no_consent'
                    WHEN {held_out} THEN 'control'
                    WHEN refused.data_hash = ranked.data_hash AND NOT refused.ask_again THEN 'still_refused'
                    WHEN contact.data_hash = ranked.data_hash THEN 'unchanged'
                    WHEN contact.sent_by <> %s AND contact.other_hashes[
                             array_position(contact.other_exports, %s::bigint)] = ranked.data_hash THEN 'unchanged'
                    WHEN contact.data_hash IS NOT NULL THEN 'update'
                    ELSE 'add' END AS action
          FROM (SELECT *, CASE WHEN valid THEN row_number() OVER (
                                   PARTITION BY email ORDER BY updated_at DESC, profile_id DESC) END AS place,
                       {any_declined} AS any_declined
                  FROM ({members}) member) ranked
          LEFT JOIN exports_syncedcontact contact
                 ON contact.list_state_id = %s AND contact.email = ranked.email
          LEFT JOIN exports_refused refused
                 ON refused.delivered_set_id = %s AND refused.email = ranked.email
    """  # noqa: S608 - only our own fragments are put in; every value is a parameter


def _count() -> PlanCounts:
    with database.cursor() as cursor:
        cursor.execute("SELECT action, count(*) FROM plan GROUP BY action")
        return PlanCounts(**dict(cursor.fetchall()))


def option_fragments(snapshot: RunSnapshot) -> OptionFragments:
    """The fragments for these settings; where every answer is the same for all, nothing is added to the plan."""
    names = _by_attribute(snapshot)
    places = range(len(names))
    strictest = "".join(f", bool_and(says_{at}) OVER (PARTITION BY email) AS answer_{at}" for at in places)
    hashed, hashed_params = _hashed(snapshot, names)
    answers = ", ".join(f"answer_{at}" for at in places)
    return OptionFragments(strictest, hashed, hashed_params, f"jsonb_build_array({answers})" if names else "")


def _by_attribute(snapshot: RunSnapshot) -> list[str]:
    """Return the names of the options that an attribute answers."""
    return sorted(name for name, answer in snapshot.answers.items() if attribute_of(answer))


def _hashed(snapshot: RunSnapshot, names: Sequence[str]) -> tuple[str, list[str]]:
    hashed, params = (
        _by_answers(snapshot, names) if names else ("%s", [run_settings.what_changes_the_list(snapshot)])
    )
    if with_blanks := run_settings.what_changes_blanks(snapshot):
        hashed = f"{hashed} || CASE WHEN mapped ~ %s THEN %s ELSE '' END"
        params += [_BLANK, with_blanks]
    return hashed, params


def _by_answers(snapshot: RunSnapshot, names: Sequence[str]) -> tuple[str, list[str]]:
    """A text for each combination of answers."""
    cases, params = "", []
    for answers in product((True, False), repeat=len(names)):
        said = {name: "yes" if answer else "no" for name, answer in zip(names, answers, strict=True)}
        condition = " AND ".join(
            f"answer_{at}" if answer else f"NOT answer_{at}" for at, answer in enumerate(answers)
        )
        cases += f" WHEN {condition} THEN %s"
        params.append(run_settings.what_changes_the_list(snapshot, said))
    return f"CASE{cases} END", params


def adjust_returning(snapshot: RunSnapshot, known: KnownList) -> None:
    """Change the actions of contacts that come back, of contacts to subscribe again, and of all when everything
    is sent again."""
    options = snapshot.options
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE plan ADD COLUMN mark_field text NOT NULL DEFAULT ''")
    with db.without_nested_loops():
        if options.resubscribe:
            _resubscribe(known.delivered_set_id, snapshot.asked_in)
        if options.everyone:
            _send_unchanged()
        if RemovedContact.objects.filter(list_state=known.list_state_id).exists():
            _let_come_back(known.list_state_id)


def _send_unchanged() -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE plan SET action = 'update' WHERE action IN ('unchanged', 'still_refused')")


def _resubscribe(delivered_set_id: int, asked_in: int | None) -> None:
    """Only those whose refusal was known when it was asked for, in the run ``asked_in`` (None: it is asked now),
    so that a number could be agreed to. Who has left since, as a retry finds them, stays so."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE plan SET action = 'resubscribe' FROM exports_refused refused
             WHERE refused.delivered_set_id = %s AND refused.email = plan.email AND refused."left"
               AND (%s::bigint IS NULL OR refused.last_run_id < %s)
               AND plan.action IN ('still_refused', 'add', 'update')
            """,
            [delivered_set_id, asked_in, asked_in],
        )


def _let_come_back(list_state_id: int) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE plan SET mark_field = removed.mark_field,
                            action = CASE WHEN removed.operation = %s THEN 'readd' ELSE 'clear_mark' END
              FROM exports_removedcontact removed
             WHERE removed.list_state_id = %s AND removed.email = plan.email
               AND removed.operation IN (%s, %s) AND plan.action IN ('add', 'update')
            """,
            [BatchOperation.DELETE, list_state_id, BatchOperation.DELETE, BatchOperation.MARK],
        )
