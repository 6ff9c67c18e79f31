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

# The parts of the members, as the pages call them. Those of a preview have not been sent.
_PARTS = {
    "delivered": "Delivered",
    "unchanged": "Unchanged",
    "excluded": "Excluded",
    "suppressed": "Suppressed",
    "previously_rejected": "Previously rejected",
    "rejected": "Rejected",
    "unknown": "Unknown",
    "not_attempted": "Not attempted",
}
_OF_WHICH = {
    "excluded": {
        "invalid": "No usable email or value",
        "duplicate": "Duplicate email",
        "exclusion": "In the exclusion segment",
        "no_consent": "No consent",
        "control": "In the control group",
    },
    "not_attempted": {"to_add": "To add", "to_update": "To update"},
}
_BESIDE = {
    "incomplete": "Delivered without a value",
    "removed": "Removed",
    "not_removed": "Not removed",
    "awaiting_confirmation": "Removals awaiting confirmation",
}
_OF_PREVIEWS = {"not_attempted": "To send", "not_removed": "To remove"}
_DIRECTIONS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # they would turn the text around


def printable(text: str) -> str:
    """Return a text without characters that control a terminal: they are written as JSON escapes them."""
    return "".join(_escaped(each) for each in text)


def _escaped(character: str) -> str:
    code = ord(character)
    is_control = code < 0x20 or 0x7F <= code < 0xA0 or code in _DIRECTIONS
    return f"\\u{code:04x}" if is_control else character


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
    counts = run["counts"]
    parts = _in_brackets({label.lower(): counts.get(name, 0) for name, label in _PARTS.items()})
    beside = "".join(f"; {counts[name]} {label.lower()}" for name, label in _BESIDE.items() if counts.get(name))
    return f"{said}: {counts.get('members', 0)} members{parts}{beside}"


def import_line(found: Item) -> str:
    """Return the line of an import: data source, status, and its rows when it has ended."""
    said = f"{found['source']}: import {found['id']} – {status(found)}"
    if found["exit_code"] is None:
        return said
    rows = {name.removeprefix("rows_"): found[name] for name in found if name.startswith("rows_")}
    return f"{said}{_in_brackets(rows)} {found['message']}".rstrip()


def preview_lines(found: Item) -> Iterator[str]:
    """Yield the counts of a preview: the parts add up to the members, and the parts of a part to it."""
    yield f"{found['export']} to “{found['list_title']}”: preview only, nothing is sent."
    counts = found["counts"] or {}
    yield f"  Members: {counts.get('members', 0)}"
    for name, label in (_PARTS | _BESIDE).items():
        if contacts := counts.get(name, 0):
            indent = "    " if name in _PARTS else "  "
            parts = _in_brackets({part: counts.get(key, 0) for key, part in _OF_WHICH.get(name, {}).items()})
            yield f"{indent}{_OF_PREVIEWS.get(name, label)}: {contacts}{parts}"
    if found["calls"] is not None:
        yield f"  Requests: {found['calls']}"
    if found["seconds"]:
        yield f"  Time: about {max(1, round(found['seconds']))} s"


def log_lines(log: Item) -> Iterator[str]:
    """Yield how a run went: its statuses with their times, its reason, and its results by reason."""
    yield f"{log['export']}, run {log['run_id']} (number {log['number']}): {status(log)}"
    for number, change in enumerate(log["changes"]):
        words = [
            _moment(change["at"]),
            status(change),
            change.get("reason_text") or change["reason"],
            _start_in_words(log) if number == 0 else "",
            f"by {change['by']}" if change["by"] else "",
        ]
        yield "  " + "  ".join(filter(None, words))
    step = " ".join(filter(None, (log["next_step"], log.get("url") if log["next_step"] else "")))
    yield from filter(None, (log["explanation"], log["message"], step))
    for reason in log["reasons"]:
        example = " (for example)" if reason["varies"] else ""
        yield f"  {reason['contacts']} {reason['result']}: {reason['reason']}{example}"


def _moment(written: str) -> str:
    """Return a moment to the minute, in UTC as the server writes it."""
    return written[:16].replace("T", " ") + " UTC"


def _start_in_words(log: Item) -> str:
    """Say what started a run; empty where a user did, who is named."""
    return f"after {log['started_after']}" if log.get("started_after") else ""


def _in_brackets(counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{contacts} {name}" for name, contacts in counts.items() if contacts)
    return f" ({shown})" if shown else ""
