"""``manage.py import_from_database``: import the rows of a query into profiles in this process."""

from argparse import ArgumentParser
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from segments.management.commands import import_profiles
from segments.models import DatabaseEncryption, DatabaseEngine, DataSource, ImportMode
from segments.sources import actions
from segments.sources.analysis import PlanFile, PlanRefused, plan_as_yaml, plan_from_yaml
from segments.sources.databases.actions import QuerySettings, import_query, try_query
from segments.sources.files.file_format import FileRefused

_ENGINES = {
    "postgresql": DatabaseEngine.POSTGRESQL,
    "postgres": DatabaseEngine.POSTGRESQL,
    "mysql": DatabaseEngine.MYSQL,
    "mariadb": DatabaseEngine.MYSQL,
    "redshift": DatabaseEngine.REDSHIFT,
    "snowflake": DatabaseEngine.SNOWFLAKE,
    "bigquery": DatabaseEngine.BIGQUERY,
    "databricks": DatabaseEngine.DATABRICKS,
    "clickhouse": DatabaseEngine.CLICKHOUSE,
    "trino": DatabaseEngine.TRINO,
    "sqlite": DatabaseEngine.SQLITE,
    "duckdb": DatabaseEngine.DUCKDB,
}


class Command(import_profiles.Command):
    help = _(
        "Import profiles with a SELECT query from a database, and store the query in the data source. Example of"
        " an ADDRESS: postgresql://user@host:5432/name. Without ADDRESS, the stored query is run again. Exit codes"
        " are the same as for import_profiles."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "address", nargs="?", metavar="ADDRESS", help=_("the address of the database, without a password")
        )
        parser.add_argument("--source", required=True, metavar="NAME", help=_("the name of the data source"))
        parser.add_argument(
            "--query",
            metavar="SQL",
            help=_("a SELECT query, the name of a table, or @FILE that contains one of them"),
        )
        parser.add_argument(
            "--key",
            action="append",
            metavar="COLUMN",
            help=_("the column that identifies each customer; repeat it for each additional key column"),
        )
        parser.add_argument(
            "--password",
            metavar="REFERENCE",
            help=_(
                "env:CREDENTIAL_NAME, file:/path, or “ask” for a prompt (default: the stored password, or none)"
            ),
        )
        parser.add_argument("--plan", type=Path, metavar="PLAN", help=_("a YAML file with the columns"))
        parser.add_argument(
            "--mode",
            choices=ImportMode.values,
            help=_("upsert keeps customers who are not in the rows, snapshot removes them"),
        )
        parser.add_argument(
            "--print-plan",
            action="store_true",
            help=_("print the plan with the types of the database, without importing"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source = DataSource.objects.filter(name__iexact=options["source"]).first()
        try:
            if options["address"] is None:
                if source is None or not source.has_query:
                    raise CommandError(_("The data source has no stored query. Enter the address of a database."))
                job = actions.refresh_data_source(source, by=None, wake_worker=False)
                return self._print_result(self._run(job), quiet=False)
            return self._import(source, options)
        except (FileRefused, PlanRefused, actions.KeyColumnDiffers) as refusal:
            raise CommandError(str(refusal)) from refusal

    def _import(self, source: DataSource | None, options: dict[str, Any]) -> None:
        if not options["query"]:
            raise CommandError(_("Enter --query and --key."))
        settings = _settings(options)
        found = try_query(settings, source=source, by=None)
        plan = _plan(options["plan"])
        plans, keys = plan.plans, tuple(options["key"] or plan.keys or (source.key_columns if source else ()))
        if not keys:
            raise CommandError(_("Enter --query and --key."))
        if options["print_plan"]:
            decided = {plan.column.casefold(): plan for plan in plans}
            self.stdout.write(
                plan_as_yaml(
                    PlanFile(tuple(decided.get(each.column.casefold(), each) for each in found.plans), keys=keys)
                )
            )
            return
        job = import_query(
            settings,
            source_name=options["source"],
            key_column=keys[0],
            further_key_columns=keys[1:],
            names=found.names,
            by=None,
            plans=plans,
            mode=ImportMode(options["mode"]) if options["mode"] else None,
            wake_worker=False,
        )
        self._print_result(self._run(job), quiet=False)


def _settings(options: dict[str, Any]) -> QuerySettings:
    """Read the address of a database. Raises CommandError."""
    try:
        parts = urlsplit(options["address"])
        engine, port = _ENGINES[parts.scheme], parts.port
    except (KeyError, ValueError):
        raise CommandError(
            _("The address must start with one of: %(kinds)s.")
            % {"kinds": ", ".join(f"{each}://" for each in _ENGINES)}
        ) from None
    if parts.password is not None:  # it would be visible to everyone on this machine
        raise CommandError(_("Do not include the password in the address. Use --password."))
    given = parse_qs(parts.query)
    encryption = given.get("encryption", [DatabaseEncryption.VERIFY])[-1]
    if encryption not in DatabaseEncryption.values:
        raise CommandError(
            _("“encryption” must be one of: %(kinds)s.") % {"kinds": ", ".join(DatabaseEncryption.values)}
        )
    path, host = unquote(parts.path), unquote(parts.hostname or "")
    database = path if engine.is_file else path.removeprefix("/")
    if engine is DatabaseEngine.BIGQUERY:  # bigquery://project
        host, database = "", host
    return QuerySettings(
        engine=engine,
        host=host,
        port=port,
        database=database,
        warehouse=given.get("warehouse", [""])[-1],
        user=unquote(parts.username or ""),
        encryption=DatabaseEncryption(encryption),
        password=getpass() if options["password"] == "ask" else options["password"],  # noqa: S105 - a word
        query=_text(options["query"]),
    )


def _text(query: str) -> str:
    """Return the query, or what is in the file that it names with @."""
    return _read(Path(query[1:])) if query.startswith("@") else query


def _plan(path: Path | None) -> PlanFile:
    return plan_from_yaml(_read(path)) if path is not None else PlanFile()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(_("The file cannot be read: %(reason)s.") % {"reason": reason}) from error
