"""Keep the contacts of a plan for which no batch and no outcome is written, in blocks: of a run those that are
unchanged, or that the list had refused before; of a preview all. Call it in the transaction of the plan."""

from django.db import connection as database

from config.platform import db
from exports.models import IMPORTED, ExportPreview, Run
from exports.results.summary import ContactKind
from exports.state.known_list import KnownList
from exports.state.plan_action import BLOCK_ROWS, EXCLUDED, EXCLUDED_CODE, SENT, UNCHANGED_BLOCK

# Parameters of the statements: the groups by their names, and the code of imported suppressions.
_KINDS = {kind.value: kind.value for kind in ContactKind} | {"imported": IMPORTED}
_REFUSED = """
    SELECT plan.profile_id, plan.email,
           CASE WHEN refused."left" THEN %(suppressed)s ELSE %(previously_rejected)s END AS kind,
           coalesce(refused.code, '') AS code, '' AS segment
      FROM plan LEFT JOIN exports_refused refused
           ON refused.delivered_set_id = %(set)s AND refused.email = plan.email
     WHERE plan.action = 'still_refused'
     UNION ALL
    SELECT plan.profile_id, plan.email, %(suppressed)s,
           CASE WHEN imported.email IS NOT NULL THEN %(imported)s ELSE coalesce(status.code, '') END, ''
      FROM plan LEFT JOIN exports_subscriberstatus status
           ON status.list_state_id = %(list)s AND status.email = plan.email
           LEFT JOIN exports_importedsuppression imported
           ON imported.list_state_id = %(list)s AND imported.email = plan.email
     WHERE plan.action = 'suppressed'
"""
_UNCHANGED = "SELECT profile_id, email, %(unchanged)s, '', '' FROM plan WHERE action = 'unchanged'"
_OTHERS = f"""
    SELECT profile_id, coalesce(email, ''),
           CASE WHEN action = ANY (%(excluded)s) THEN action
                WHEN action IN ('add', 'clear_mark', 'readd') THEN %(to_add)s ELSE %(to_update)s END,
           {EXCLUDED_CODE}, ''
      FROM plan WHERE action = ANY (%(excluded)s) OR action = ANY (%(sent)s)
"""  # noqa: S608 - only our own fragments are put in
_LEAVING = "SELECT 0, email, %(removal)s, code, segment FROM leaving"
_INSERT = """
    INSERT INTO exports_contactblock (run_id, preview_id, kind, code, segment, size, profile_ids, emails)
    SELECT %(run)s, %(preview)s, kind, code, segment, count(*),
           array_agg(profile_id ORDER BY place), array_agg(email ORDER BY place)
      FROM (SELECT contact.*, row_number() OVER (PARTITION BY kind, code, segment ORDER BY email, profile_id) - 1
                   AS place
              FROM ({contacts}) contact) numbered
     GROUP BY kind, code, segment, place / %(rows)s ORDER BY kind, code, segment, place / %(rows)s
    RETURNING kind, size
"""
_INSERT_UNCHANGED = f"""
    INSERT INTO exports_contactblock (run_id, preview_id, kind, code, segment, size, profile_ids, emails)
    SELECT %(run)s, %(preview)s, %(unchanged)s, '', '', cardinality(emails), profile_ids, emails
      FROM {UNCHANGED_BLOCK}
"""  # noqa: S608 - only our own fragments are put in


def count_suppressed(known: KnownList) -> int:
    """Count the contacts of a plan that are not sent because the list had suppressed them before."""
    suppressed = f"SELECT count(*) FROM ({_REFUSED}) refused_before WHERE kind = %(suppressed)s"  # noqa: S608
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute(suppressed, {"set": known.delivered_set_id, "list": known.list_state_id, **_KINDS})
        return int(cursor.fetchone()[0])


def keep_of_run(run: Run, known: KnownList) -> int:
    """Keep the contacts of a plan that are not sent. Returns how many of them the list had suppressed before."""
    sizes = _insert(f"{_REFUSED} UNION ALL {_UNCHANGED}", known, run=run.pk)
    return sum(size for kind, size in sizes if kind == ContactKind.SUPPRESSED)


def keep_of_preview(preview: ExportPreview, known: KnownList, *, removal: ContactKind | None) -> None:
    """Keep all contacts of a plan, with those of the temporary table ``leaving`` in the group ``removal``."""
    contacts = [_REFUSED, _UNCHANGED, _OTHERS, *([_LEAVING] if removal else [])]
    _insert(" UNION ALL ".join(contacts), known, preview=preview.pk, removal=removal or "")


def _insert(
    contacts: str, known: KnownList, *, run: int | None = None, preview: int | None = None, removal: str = ""
) -> list[tuple[str, int]]:
    parameters = {
        **_KINDS,
        "run": run,
        "preview": preview,
        "set": known.delivered_set_id,
        "list": known.list_state_id,
        "rows": BLOCK_ROWS,
        "removal": str(removal),
        "excluded": list(EXCLUDED),
        "sent": list(SENT),
    }
    with db.without_nested_loops(), database.cursor() as cursor:
        cursor.execute(_INSERT.format(contacts=contacts), parameters)
        sizes: list[tuple[str, int]] = cursor.fetchall()
        cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{UNCHANGED_BLOCK}"])
        if cursor.fetchone()[0] is not None:
            cursor.execute(_INSERT_UNCHANGED, parameters)
    return sizes
