"""Bundle the style sheets and scripts of all pages: one file of each when they are collected, so that a first
visit takes few requests, and what compresses well together is compressed together. Where nothing is collected, as
in tests, pages name each file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage


@dataclass(frozen=True)
class Bundle:
    """The files of one kind, in the order in which browsers read them."""

    kind: str
    names: tuple[str, ...]

    @property
    def path(self) -> str:
        """The path of the file that has them all."""
        return f"{self.kind}/all.{self.kind}"

    @property
    def files(self) -> list[str]:
        """The paths of its files."""
        return [f"{self.kind}/{name}.{self.kind}" for name in self.names]


STYLES = Bundle(
    "css",
    (
        "tokens",
        "base",
        "shell",
        "page",
        "controls",
        "notices",
        "forms",
        "lists",
        "lists_fitted",
        "panes",
        "progress",
        "pages",
        "home",
        "find",
        "charts",
        "accounts",
        "connections",
        "exports/list",
        "exports/pane",
        "exports/run",
        "exports/accounting",
        "exports/strip",
        "exports/contacts",
        "exports/preview",
        "segments",
        "databases",
        "builder",
        "schedules",
        "system",
    ),
)
SCRIPTS = Bundle(
    "js",
    (
        "shell",
        "toasts",
        "menus",
        "sign_in",
        "forms",
        "panes",
        "addresses",
        "parts",
        "lists",
        "command_bar",
        "find",
        "requests",
        "strip",
        "builder",
        "rules_order",
        "attribute_choices",
    ),
)


class BundledStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Collect static files with the bundles beside them, each under a name with the hash of its contents."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Write the bundles of the collected files, then process all of them."""
        if not dry_run:
            for bundle in (STYLES, SCRIPTS):
                self.delete(bundle.path)
                self.save(bundle.path, ContentFile(b"\n".join(self._read(path) for path in bundle.files)))
                paths[bundle.path] = (self, bundle.path)
        yield from super().post_process(paths, dry_run=dry_run, **options)  # type: ignore[no-untyped-call]

    def _read(self, path: str) -> bytes:
        with self.open(path) as file:
            return bytes(file.read())


def urls_of(bundle: Bundle) -> list[str]:
    """Return the addresses of a bundle: of the file that has all, where it is collected, or of each file."""
    is_bundled = isinstance(staticfiles_storage, BundledStaticFilesStorage)
    return [staticfiles_storage.url(path) for path in ([bundle.path] if is_bundled else bundle.files)]
