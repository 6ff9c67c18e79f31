"""Pause a process at the points that a drill has armed. Python imports this module at its start when its folder is
on PYTHONPATH; the product knows nothing of it.

A point is armed by a file in the folder KILL_POINTS; the first process that reaches it deletes that file, leaves
its ID in another, and pauses, or goes on when the file says so.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_FOLDER = Path(os.environ["KILL_POINTS"])
_LONGER_THAN_ANY_DRILL = 3600


def reach(point: str) -> None:
    """Pause here if the point is armed."""
    armed = _FOLDER / f"{point}.armed"
    try:
        mode = armed.read_text()
        armed.unlink()
    except FileNotFoundError:  # not armed, or another process was first
        return
    _tell(point, mode)
    if mode == "pause":
        time.sleep(_LONGER_THAN_ANY_DRILL)


def _tell(point: str, mode: str) -> None:
    """Write the ID of this process into a file, which is complete once it is there."""
    part = _FOLDER / f"{point}.part{os.getpid()}"
    part.write_text(f"{os.getpid()} {mode}")
    part.rename(_FOLDER / f"{point}.reached")


def _patch_lake(module: Any) -> None:
    original = module.writing

    @contextmanager
    def writing(job: str, *, waiting: Callable[[], None] | None = None) -> Iterator[Any]:
        kind = job.partition(":")[0]

        def wait() -> None:
            reach("waiting-for-writer-lock")
            if waiting is not None:
                waiting()

        reach(f"{kind}-begin")
        with original(job, waiting=wait) as writer:
            yield writer
            reach(f"{kind}-before-commit")
        reach(f"{kind}-after-commit")

    module.writing = writing


def _patch_matching(module: Any) -> None:
    module.find_matching = _reaching_after(module.find_matching, lambda *_: "refresh-evaluating")


def _patch_prepare(module: Any) -> None:
    module.plain_text = _reaching_before(module.plain_text, "import-reading")


def _patch_staging(module: Any) -> None:
    module.convert = _reaching_before(module.convert, "import-staging")


def _patch_maintenance(module: Any) -> None:
    module._call = _reaching_after(module._call, lambda function, **_: f"purge-{function}")


def _reaching_before(function: Callable[..., Any], point: str) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        reach(point)
        return function(*args, **kwargs)

    return wrapped


def _reaching_after(function: Callable[..., Any], point_of: Callable[..., str]) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        reach(point_of(*args, **kwargs))
        return result

    return wrapped


_PATCHES: dict[str, Callable[[Any], None]] = {
    "segments.store.lake": _patch_lake,
    "segments.store.matching": _patch_matching,
    "segments.sources.prepare": _patch_prepare,
    "segments.sources.staging": _patch_staging,
    "segments.store.maintenance": _patch_maintenance,
}


class _PatchingFinder(MetaPathFinder):
    """Patches modules right after they are executed."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        patch = _PATCHES.get(fullname)
        spec = PathFinder.find_spec(fullname, path) if patch else None
        if patch is None or spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _PatchingFinder())
