"""Check that the query of a data source is one SELECT, before it is sent to a database."""

import logging
import re
from typing import Final

import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from segments.models import DatabaseEngine

DIALECTS: Final = {
    DatabaseEngine.POSTGRESQL: "postgres",
    DatabaseEngine.MYSQL: "mysql",
    DatabaseEngine.REDSHIFT: "redshift",
    DatabaseEngine.SNOWFLAKE: "snowflake",
    DatabaseEngine.BIGQUERY: "bigquery",
    DatabaseEngine.DATABRICKS: "databricks",
    DatabaseEngine.CLICKHOUSE: "clickhouse",
    DatabaseEngine.TRINO: "trino",
    DatabaseEngine.SQLITE: "sqlite",
    DatabaseEngine.DUCKDB: "duckdb",
}
# In some databases a backslash escapes the quote behind it.
_NAME: Final = r'(?:[^\W\d][\w$]*|"[^"\\]+"|`[^`\\]+`)'
_TABLE_NAME: Final = re.compile(rf"{_NAME}(?:\.{_NAME}){{0,2}}")
_EXECUTED_COMMENT: Final = re.compile(r"/\*M?!")
# Functions that cancel queries, run code of the server, send statements to other databases, or connect elsewhere.
_ACTING_FUNCTIONS: Final = {
    DatabaseEngine.SNOWFLAKE: re.compile(r"system\$", re.IGNORECASE),
    DatabaseEngine.DATABRICKS: re.compile(
        r"(try_)?reflect$|java_method$|http_request$|ai_query$|remote_query$", re.IGNORECASE
    ),
    DatabaseEngine.BIGQUERY: re.compile(r"external_query$", re.IGNORECASE),
    DatabaseEngine.TRINO: re.compile(r"(raw_)?query$", re.IGNORECASE),
    DatabaseEngine.CLICKHOUSE: re.compile(
        r"(url|s3|file|hdfs|azureBlobStorage)(Cluster)?$|remote(Secure)?$|(gcs|oss|cosn)$|"
        r"(iceberg|deltaLake|hudi|paimon)|(mysql|postgresql|mongodb|redis|sqlite|odbc|jdbc)$|"
        r"(executable|arrowFlight|ytsaurus)$",
        re.IGNORECASE,
    ),
}
_CHANGES: Final = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.Command, exp.Copy, exp.Set,
    exp.Into,
)  # fmt: skip

# It logs the text of statements that it cannot parse, which may name customers.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class QueryRefused(Exception):
    """The query cannot be used; the message is for users."""


def checked_query(text: str, engine: DatabaseEngine) -> str:
    """Return the query to send: what was entered, without the semicolon at its end, or a SELECT of everything from
    the table that was entered. Raises QueryRefused when it is not one SELECT."""
    query = text.strip().rstrip(";").rstrip()
    if not query:
        raise QueryRefused(_("Enter a query, or the name of a table."))
    if _TABLE_NAME.fullmatch(query):
        query = f"SELECT * FROM {query}"
    if engine is DatabaseEngine.MYSQL and _EXECUTED_COMMENT.search(query):
        raise QueryRefused(_("Remove the comment that begins with /*!: MySQL would execute it."))
    try:
        statements = [each for each in sqlglot.parse(query, read=DIALECTS[engine]) if each is not None]
    except ParseError as error:
        line = error.errors[0].get("line") if error.errors else None
        raise QueryRefused(_not_sql(engine, line)) from None
    except (SqlglotError, RecursionError):
        raise QueryRefused(_not_sql(engine, None)) from None
    if len(statements) != 1:
        raise QueryRefused(
            _("Enter a single SELECT query. These are %(count)d statements.") % {"count": len(statements)}
        )
    (statement,) = statements
    if not isinstance(statement, exp.Query) or isinstance(statement, exp.Table):
        raise QueryRefused(_("Enter a single SELECT query. This is %(kind)s.") % {"kind": _kind(statement)})
    change = statement.find(*_CHANGES)
    if change is not None:
        raise QueryRefused(
            _("Only queries that read data are allowed. This one contains %(kind)s.") % {"kind": _kind(change)}
        )
    if statement.find(exp.Lock) is not None:
        raise QueryRefused(_("Only queries that read data are allowed. Remove FOR UPDATE or FOR SHARE."))
    _check_warehouse_query(statement, engine)
    if engine is DatabaseEngine.SNOWFLAKE and _has_pipe(query):
        raise QueryRefused(_("Remove ->> from the query: it chains statements."))
    return query


def _has_pipe(query: str) -> bool:
    """Say whether a query has Snowflake's pipe, which sqlglot reads as access to JSON."""
    tokens = sqlglot.tokenize(query, read=DIALECTS[DatabaseEngine.SNOWFLAKE])
    return any(token.token_type is sqlglot.TokenType.DARROW for token in tokens)


def _check_warehouse_query(statement: exp.Expr, engine: DatabaseEngine) -> None:
    """Raise QueryRefused for what a warehouse would do beside reading, where its session cannot be made read-only,
    and for settings in the query that could change that."""
    if any(each.args.get("settings") or each.args.get("format") for each in statement.find_all(exp.Query)):
        raise QueryRefused(_("Remove SETTINGS and FORMAT from the query."))
    if (pattern := _ACTING_FUNCTIONS.get(engine)) is None:
        return
    for function in statement.find_all(exp.Func):
        if pattern.match(function.name if isinstance(function, exp.Anonymous) else function.sql_name()):
            raise QueryRefused(_("The function %(name)s cannot be used.") % {"name": function.name})


def stored_functions_in(text: str, engine: DatabaseEngine) -> list[str]:
    """Return the names of functions in a checked query that may be stored in the database, in lower case: those
    that the dialect does not have, and those of a schema."""
    statement = sqlglot.parse_one(text, read=DIALECTS[engine])
    names = {each.name for each in statement.find_all(exp.Anonymous)}
    names |= {each.expression.sql_name() for each in statement.find_all(exp.Dot) if _is_known(each.expression)}
    return sorted(name.lower() for name in names)


def _is_known(expression: object) -> bool:
    return isinstance(expression, exp.Func) and not isinstance(expression, exp.Anonymous)


def _not_sql(engine: DatabaseEngine, line: int | None) -> str:
    if line is None:
        return _("The query is not valid SQL for %(engine)s.") % {"engine": engine.label}
    return _("Line %(line)d of the query is not valid SQL for %(engine)s.") % {
        "line": line,
        "engine": engine.label,
    }


def _kind(statement: exp.Expr) -> str:
    if isinstance(statement, exp.Command):
        return str(statement.this).upper()
    return statement.key.upper()
