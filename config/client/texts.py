"""Write exports, runs, previews and logs as lines of text."""

from collections.abc import Iterator, Mapping, Sequence

from .api import Item

STATUSES = {
    "queued": "Queued",
    "processing": "Processing",
    "successful": "Successful",
    "warnings": "Completed with warnings",
    "skipped": "Skipped",
    "failure": "Failure",
    "failed": "Failed (permanent)",
    "canceled": "Canceled",
    "needs_confirmation": "Needs confirmation",
}


def status(item: Mapping[str, object], key: str = "status") -> str:
    """Return a status as the pages call it."""
    code = item.get(key)
    return STATUSES.get(str(code), str(code)) if code else "Not started"


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def exports_table(exports: Sequence[Item]) -> Iterator[str]:
    """Yield a line for each export: its name, the status of its last run, when it runs next, and its tags."""
    heads = ("EXPORT", "LAST STATUS", "LAST RUN", "NEXT RUN", "TAGS")
    rows = [
        (
            each["name"],
            status(each, "last_status"),
            str(each["last_run_id"] or "–"),
            _moment(each["next_run_at"]) if each["next_run_at"] else "–",
            ", ".join(each["tags"]) or "–",
        )
        for each in exports
    ]
    yield from table([heads, *rows])


def run_line(run: Item) -> str:
    """Return the line of a run: export, number, status, and its counts when it has ended."""
    said = f"{run['export']}: run {run['id']} – {status(run)}"
    if run["exit_code"] is None:
        return f"{said} ({run['stage']})" if run["status"] == "processing" else said
    return f"{said}{_counts_in_brackets(run['counts'])}"


def import_line(found: Item) -> str:
    """Return the line of an import: data source, status, and its rows when it has ended."""
    said = f"{found['source']}: import {found['id']} – {status(found)}"
    if found["exit_code"] is None:
        return said
    rows = {name.removeprefix("rows_"): found[name] for name in found if name.startswith("rows_")}
    return f"{said}{_counts_in_brackets(rows)} {found['message']}".rstrip()


def preview_lines(found: Item) -> Iterator[str]:
    """Yield the counts of a preview."""
    yield f"{found['export']} to “{found['list_title']}”: preview only, nothing is sent."
    counts = dict(found["counts"] or {})
    yield f"  members: {counts.pop('members', 0)}"
    yield from (f"  {name}: {contacts}" for name, contacts in counts.items() if contacts)
    if found["calls"] is not None:
        yield f"  calls: {found['calls']}"
    if found["seconds"] is not None:
        yield f"  seconds, about: {round(found['seconds'])}"


def log_lines(log: Item) -> Iterator[str]:
    """Yield how a run went: its statuses with their times, its reason, and its results by reason."""
    yield f"{log['export']}, run {log['run_id']} (number {log['number']}): {status(log)}"
    for change in log["changes"]:
        words = [
            _moment(change["at"]),
            status(change),
            change["reason"],
            f"by {change['by']}" if change["by"] else "",
        ]
        yield "  " + "  ".join(filter(None, words))
    yield from filter(None, (log["explanation"], log["message"], log["next_step"]))
    for reason in log["reasons"]:
        example = " (for example)" if reason["varies"] else ""
        yield f"  {reason['contacts']} {reason['result']}: {reason['reason']}{example}"


def _moment(written: str) -> str:
    """Return a moment to the minute, in UTC as the server writes it."""
    return written[:16].replace("T", " ") + " UTC"


def _counts_in_brackets(counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{contacts} {name.replace('_', ' ')}" for name, contacts in counts.items() if contacts)
    return f" ({shown})" if shown else ""
