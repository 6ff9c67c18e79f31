"""Choose exports, start their runs, and follow runs and previews until they have ended."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus

from .api import LONGEST_WAIT, Api, Item, ServerError

FAILURES = ("failure", "failed")
# The first of these that a run has is that of all.
EXIT_CODES_BY_WEIGHT = (1, 3, 2, 4, 0)
_LONGEST_AWAY = 300.0  # seconds for which a job is followed although the server is away
_SHORTEST_ROUND = 1.0  # a server with too many requests that wait answers at once


def by_names(api: Api, names: Sequence[str]) -> list[Item]:
    """Return the exports with these names, whatever their case. Raises ServerError."""
    return [by_name(api, name) for name in names]


def by_name(api: Api, name: str) -> Item:
    """Return the export with a name. Raises ServerError."""
    found = next(api.items("exports", name=name), None)
    if found is None:
        raise ServerError(f"There is no export “{name}”.", status=HTTPStatus.NOT_FOUND, code="no_export")
    return found


def find(api: Api, *, tag: str = "", failed: bool = False) -> list[Item]:
    """Return the exports with a tag, or those whose last run failed, or those with both."""
    if not failed:
        return list(api.items("exports", tag=tag))
    found = [each for status in FAILURES for each in api.items("exports", tag=tag, status=status)]
    return sorted(found, key=lambda each: int(each["id"]))


def scheduled(api: Api) -> list[Item]:
    """Return all exports with an active schedule and a connection that the token may run, as Run all does."""
    return [
        each
        for each in api.items("exports")
        if each["schedule_on"] and each["connection_id"] and each["can_manage"]
    ]


def refresh_segments(api: Api, exports: Iterable[Item]) -> Iterator[str]:
    """Ask for a refresh of the segments of exports: a run that is started later waits for it. Yields why a segment
    is not refreshed, such as a static one."""
    for segment_id in sorted({each for export in exports for each in export["segment_ids"]}):
        try:
            _refresh_from_now(api, f"segments/{segment_id}/refresh")
        except ServerError as error:
            if error.code != "not_refreshed":
                raise
            yield str(error)


def _refresh_from_now(api: Api, path: str) -> None:
    """Ask for a refresh that begins from now on. One that is processing may have read older profiles: it is waited
    for, then asked again."""
    found = first = api.post(path)
    while found["status"] == "processing" and found["id"] == first["id"]:
        time.sleep(_SHORTEST_ROUND)
        found = api.post(path)


def start(
    api: Api, exports: Iterable[Item], *, key: str, all_contacts: bool, show: Callable[[Item], None]
) -> Iterator[Item]:
    """Start a run of each export. Yields the run, or, without an ID, why it was not started. A key that was used
    for an export before gives the run of that time."""
    for export in exports:
        begun: Item = {"export": export["name"]}
        try:
            begun |= api.post(f"exports/{export['id']}/runs", {"all_contacts": all_contacts}, key=key)
        except ServerError as error:
            if error.status not in (HTTPStatus.CONFLICT, HTTPStatus.FORBIDDEN):
                raise
            begun |= {"code": error.code, "reason": str(error)}
        show(begun)
        yield begun


def follow_all(api: Api, path: str, begun: Iterable[Item], show: Callable[[Item], None]) -> bool:
    """Wait until all runs, or imports, have ended. Returns False when the user has stopped waiting."""
    try:
        for run in begun:
            if "id" in run:
                follow(api, path, run, show)
    except KeyboardInterrupt:
        return False
    return True


def follow(api: Api, path: str, run: Item, show: Callable[[Item], None]) -> Item:
    """Wait until a run, or an import, has ended, and return it; ``show`` gets it whenever its status or stage has
    changed."""
    shown = (run["status"], run.get("stage"))
    while run["exit_code"] is None:
        run |= _round(api, f"{path}/{run['id']}")
        if (run["status"], run.get("stage")) != shown:
            shown = (run["status"], run.get("stage"))
            show(run)
    return run


def import_sources(api: Api, names: Sequence[str], show: Callable[[Item], None]) -> Iterator[Item]:
    """Start an import of the file or the query of each data source. Yields the imports that are open now. Raises
    ServerError."""
    sources = {name: next(api.items("sources", name=name), None) for name in names}
    for name, source in sources.items():
        if source is None:
            raise ServerError(f"There is no data source “{name}”.", status=HTTPStatus.NOT_FOUND, code="no_source")
    for source in filter(None, sources.values()):
        begun = {"source": source["name"], **api.post(f"sources/{source['id']}/refresh")}
        show(begun)
        yield begun


def preview(api: Api, export: Item) -> Item:
    """Ask for a preview of an export, and wait for it. Raises ServerError."""
    found = api.post(f"exports/{export['id']}/preview")
    while not found["is_settled"]:
        found = _round(api, f"exports/{export['id']}/preview")
    return {"export": export["name"], **found}


def exit_code(begun: Iterable[Item]) -> int:
    """Return the exit code of several runs: that of the run which most needs attention; 1 when one was not
    started."""
    codes = {(run["exit_code"] or 0) if "id" in run else 1 for run in begun}
    return next((code for code in EXIT_CODES_BY_WEIGHT if code in codes), 0)


def summary(begun: Sequence[Item]) -> Item:
    """Return the runs, and apart from them what was not started."""
    return {
        "runs": [each for each in begun if "id" in each],
        "not_started": [each for each in begun if "id" not in each],
    }


def _round(api: Api, path: str) -> Item:
    """Ask once for a job, until it has ended or for some seconds, and take at least a second where it has not."""
    begun = time.monotonic()
    found = _patiently(api, path)
    ended = found.get("exit_code") is not None or found.get("is_settled")
    if not ended and (left := _SHORTEST_ROUND - (time.monotonic() - begun)) > 0:
        time.sleep(left)
    return found


def _patiently(api: Api, path: str) -> Item:
    """Ask for a job, for some minutes while the server is away, such as during its restart. Raises ServerError."""
    until = time.monotonic() + _LONGEST_AWAY
    while True:
        try:
            return api.get(path, wait=LONGEST_WAIT)
        except ServerError as error:
            if not error.is_away or time.monotonic() > until:
                raise
        time.sleep(_SHORTEST_ROUND)
