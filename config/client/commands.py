"""Define the commands of ``segment-exports``: status, run, import, plan, logs and completion.

Exit codes are those of ``manage.py run_export --wait`` and ``import_profiles``, as the server gives them.
Several runs end with the first that applies of 1, 3, 2, 4 and 0. Errors and runs that were not started end with 1,
a command line that cannot be read with 64, and Ctrl-C with 130.
"""

import json
import os
import sys
import uuid
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from . import runs as client_runs
from . import texts
from .api import Api, Item, ServerError, from_environment

NAME, VARIABLE = "segment-exports", "_SEGMENT_EXPORTS_COMPLETE"
EXIT_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 1, 64, 130
_LONGEST_KEY = 200
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def complete_exports(_ctx: object, _parameter: object, incomplete: str) -> list[CompletionItem]:
    """Complete the name of an export."""
    return _completions(incomplete, lambda api: (each["name"] for each in api.items("exports")))


def complete_tags(_ctx: object, _parameter: object, incomplete: str) -> list[CompletionItem]:
    """Complete a tag of exports."""
    return _completions(incomplete, lambda api: (tag for each in api.items("exports") for tag in each["tags"]))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Run and follow exports of a server.

    SEGMENT_EXPORTS_URL is its address. SEGMENT_EXPORTS_TOKEN is an API token, or SEGMENT_EXPORTS_TOKEN_FILE a file
    that holds it. The token needs the scope “Run exports”; run --refresh also needs “Create segments”, and import
    needs “Push customer profiles”.
    """


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_exports)
@click.option("--tag", default="", help="Only exports with this tag.", shell_complete=complete_tags)
@click.option("--failed", is_flag=True, help="Only exports whose last run failed.")
@as_json_option
def status(names: tuple[str, ...], tag: str, failed: bool, as_json: bool) -> None:
    """List exports with the status of their last run."""
    if names and (tag or failed):
        raise click.UsageError("Give names, or --tag and --failed, not both.")
    api = from_environment()
    found = client_runs.by_names(api, names) if names else client_runs.find(api, tag=tag, failed=failed)
    if not found:
        _none_found(tag, failed=failed)
    _print({"exports": found}, texts.exports_table(found), as_json=as_json)


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_exports)
@click.option("--tag", default="", help="Run the exports with this tag.", shell_complete=complete_tags)
@click.option("--failed", is_flag=True, help="Run the exports whose last run failed.")
@click.option("--all", "every", is_flag=True, help="Run all exports with an active schedule.")
@click.option("--wait", is_flag=True, help="Wait until the runs have ended. Ctrl-C stops the waiting alone.")
@click.option("--refresh", is_flag=True, help="First refresh the segments (scope “Create segments”).")
@click.option("--all-contacts", is_flag=True, help="Send all members, not only changes.")
@click.option(
    "--key",
    default="",
    metavar="KEY",
    help="Idempotency key: for 24 hours, a repeat with the same key starts no second run of an export.",
)
@as_json_option
def run(  # noqa: PLR0917 -- click passes all by name
    names: tuple[str, ...],
    tag: str,
    failed: bool,
    every: bool,
    wait: bool,
    refresh: bool,
    all_contacts: bool,
    key: str,
    as_json: bool,
) -> int:
    """Start runs of exports, and perhaps wait for them."""
    if [bool(names), bool(tag or failed), every].count(True) != 1:
        raise click.UsageError("Give names of exports, --tag and --failed, or --all.")
    if key and not (key.isascii() and key.isprintable() and " " not in key and len(key) <= _LONGEST_KEY):
        raise click.UsageError(f"--key takes up to {_LONGEST_KEY} ASCII characters without blanks.")
    api = from_environment()
    exports = _chosen(api, names, tag, failed=failed, every=every)
    tell = _silent if as_json else _tell
    if refresh:
        for sentence in client_runs.refresh_segments(api, exports):
            click.echo(texts.printable(f"Not refreshed: {sentence}"), err=True)
    begun = list(
        client_runs.start(api, exports, key=key or uuid.uuid4().hex, all_contacts=all_contacts, show=tell)
    )
    if wait and not client_runs.follow_all(api, "runs", begun, tell):
        click.echo("Stopped waiting. The runs continue.", err=True)
        return EXIT_INTERRUPTED
    code = client_runs.exit_code(begun)
    if as_json:
        _print_json(client_runs.summary(begun) | {"exit_code": code})
    return code


@cli.command("import", short_help="Import data sources again.")
@click.argument("names", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--wait", is_flag=True, help="Wait until the imports have ended.")
@as_json_option
def import_sources(names: tuple[str, ...], wait: bool, as_json: bool) -> int:
    """Import the files or database queries of data sources again (scope “Push customer profiles”)."""
    api = from_environment()
    tell = _silent if as_json else _tell_import
    begun = list(client_runs.import_sources(api, names, tell))
    if wait and not client_runs.follow_all(api, "imports", begun, tell):
        click.echo("Stopped waiting. The imports continue.", err=True)
        return EXIT_INTERRUPTED
    code = client_runs.exit_code(begun)
    if as_json:
        _print_json({"imports": begun, "exit_code": code})
    return code


@cli.command()
@click.argument("name", shell_complete=complete_exports)
@as_json_option
def plan(name: str, as_json: bool) -> int:
    """Count what a run would do now. Nothing is sent."""
    api = from_environment()
    found = client_runs.preview(api, client_runs.by_name(api, name))
    if found["status"] != "successful":
        raise ServerError(found["message"] or "The preview failed.")
    _print(found, texts.preview_lines(found), as_json=as_json)
    return 0


@cli.command(short_help="Show how a run went.")
@click.argument("run_or_name", metavar="RUN", shell_complete=complete_exports)
@click.option("--wait", is_flag=True, help="Wait until the run has ended.")
@as_json_option
def logs(run_or_name: str, wait: bool, as_json: bool) -> int:
    """Show how a run went: RUN is its ID, or the name of an export for its last run."""
    api = from_environment()
    run_id = run_or_name if run_or_name.isascii() and run_or_name.isdigit() else _last_run(api, run_or_name)
    try:
        found = api.get(f"runs/{run_id}")
    except ServerError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise ServerError(f"There is no run {run_id}.", code="no_run") from None
        raise
    if wait:
        client_runs.follow(api, "runs", found, _silent)
    log = api.get(f"runs/{run_id}/log")
    _print(
        log | {"counts": found["counts"], "exit_code": found["exit_code"]}, texts.log_lines(log), as_json=as_json
    )
    return int(found["exit_code"] or 0)


@cli.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: eval "$(segment-exports completion bash)"."""
    if kind := get_completion_class(shell):
        click.echo(kind(cli, {}, NAME, VARIABLE).source())


def main() -> None:
    """Run a command, and end with its exit code."""
    try:
        code = cli.main(prog_name=NAME, complete_var=VARIABLE, standalone_mode=False)
    except click.UsageError as error:
        error.show()
        code = EXIT_USAGE
    except (click.ClickException, ServerError) as error:
        click.echo(texts.printable(f"{NAME}: {error}"), err=True)
        code = EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    sys.exit(code or 0)


def _chosen(api: Api, names: tuple[str, ...], tag: str, *, failed: bool, every: bool) -> list[Item]:
    """Return the exports to run. Raises ServerError when there is none, unless none has failed."""
    if names:
        return client_runs.by_names(api, names)
    found = client_runs.scheduled(api) if every else client_runs.find(api, tag=tag, failed=failed)
    if not found and every:
        raise ServerError("No export that you can run has an active schedule.", code="no_export")
    if not found:
        _none_found(tag, failed=failed)
    return found


def _none_found(tag: str, *, failed: bool) -> None:
    """Say that there is no export. Raises ServerError for a tag that none has; that none has failed is well."""
    if tag and not failed:
        raise ServerError(f"No export has the tag “{tag}”.", code="no_export")
    click.echo("No export has failed." if failed else "There is no export yet.", err=True)


def _last_run(api: Api, name: str) -> int:
    export = client_runs.by_name(api, name)
    if export["last_run_id"] is None:
        raise ServerError(f"“{name}” has not run yet.", code="no_run")
    return int(export["last_run_id"])


def _print(found: Item, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        _print_json(found)
    else:
        for line in lines:
            click.echo(texts.printable(line))


def _print_json(found: Item) -> None:
    click.echo(texts.printable(json.dumps(found, ensure_ascii=False)))


def _tell(run: Item) -> None:
    """Print how far a run has come; flushed, since logs of orchestrators are read meanwhile."""
    if "id" in run:
        click.echo(texts.printable(texts.run_line(run)))
        sys.stdout.flush()
    else:
        click.echo(texts.printable(f"{run['export']}: not started. {run['reason']}"), err=True)


def _tell_import(found: Item) -> None:
    """Print how far an import has come."""
    click.echo(texts.printable(texts.import_line(found)))
    sys.stdout.flush()


def _silent(run: Item) -> None:
    """Print nothing: JSON has all of it at the end."""


def _completions(incomplete: str, read: Any) -> list[CompletionItem]:
    """Ask the server once for values; no completion is better than an error in a prompt. Bash splits values at
    blanks, so that it gets only those without."""
    is_bash = os.environ.get(VARIABLE, "").startswith("bash")
    try:
        values = sorted(set(read(from_environment(attempts=0))))
    except ServerError:
        return []
    begun = [each for each in values if each.casefold().startswith(incomplete.casefold())]
    return [CompletionItem(each) for each in begun if not (is_bash and " " in each)]
