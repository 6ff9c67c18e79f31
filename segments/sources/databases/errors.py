"""Translate errors of database drivers into sentences that name the cause and no values.

The texts of drivers are in the language of the server and may quote values of customers. Names of tables and
columns are taken over from them; everything else of an unknown error is left out.
"""

import re
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_LINE: Final = re.compile(
    r"^LINE (\d+): |at line (\d+)\b|\bline (\d+)(?::|, col| pos|, pos)| at \[(\d+):\d+\]", re.MULTILINE
)
# DuckDB quotes its own statement behind what the server says.
_OWN_LINE: Final = re.compile(r"^LINE 1: .*\b(?:postgres|mysql|sqlite)_query\(.*", re.MULTILINE)
_SAFE_NAME: Final = re.compile(r"[\w.$ -]{1,128}")


@dataclass(frozen=True)
class _Cause:
    """What a text of a driver means. The pattern may have a group: a name that the sentence has as ``name``."""

    pattern: re.Pattern[str]
    sentence: str | Promise
    field: str = ""


def _cause(pattern: str, sentence: str | Promise, field: str = "") -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), sentence, field)


# The first that fits counts.
_CAUSES: Final = (
    _cause(
        r"connection to \"([^\"]*)\" is not allowed",
        gettext_lazy("The server refers to the address “%(name)s”, which is not its own. The query was stopped."),
        "host",
    ),
    _cause(
        r"session is not read-only",
        gettext_lazy("The server does not allow a session that only reads. Use a user with read-only access."),
        "user",
    ),
    _cause(
        r"TLS/SSL is required for authentication",
        gettext_lazy("A password is sent only with encryption. Choose another setting under Encryption."),
        "encryption",
    ),
    _cause(
        r"^function \"([^\"]*)\" may write$",
        gettext_lazy(
            "The query calls the stored function “%(name)s”, which may change data. Only functions that are "
            "declared as READS SQL DATA or NO SQL can be used."
        ),
        "query",
    ),
    _cause(
        r"password authentication failed|no password supplied|access denied for user [^\n]*using password|"
        r"role \"[^\"]*\" does not exist|\bAuthentication failed\b|error 401|start transaction: 401|"
        r"\b401 Client Error|invalid_grant|"
        r"Incorrect username or password|invalid access token|Programmatic access token is invalid",
        gettext_lazy("The user or the password is incorrect."),
        "password",
    ),
    _cause(
        r"database \"([^\"]*)\" does not exist|unknown database '([^']*)'|Database `?(\w+)`? does not exist|"
        r"Catalog '([^']*)' (?:not found|does not exist)|NO_SUCH_CATALOG_EXCEPTION\] Catalog '([^']*)'",
        gettext_lazy("The server has no database “%(name)s”."),
        "database",
    ),
    _cause(
        r"access denied for user [^\n]* to database '([^']*)'|permission denied for database \"?([^\"\n]*)\"?",
        gettext_lazy("The user has no access to the database “%(name)s”."),
        "user",
    ),
    _cause(
        r"no pg_hba\.conf entry|is not allowed to connect",
        gettext_lazy("The server does not allow this user to connect from this address."),
        "user",
    ),
    _cause(
        r"server does not support SSL|SSL is required, but the server does not support it|"
        r"SSL connection error|TLS/SSL error: SSL is required",
        gettext_lazy("The server does not support encryption. Turn it on there, or choose None under Encryption."),
        "encryption",
    ),
    _cause(
        r"certificate verify failed|server certificate for|self.signed certificate|certificate validation failure",
        gettext_lazy("The certificate of the server cannot be verified for this host name."),
        "encryption",
    ),
    _cause(
        r"connection refused|\[Errno 111\]|can't connect to (?:mysql )?server[^\n]*\((?:111|61|10061)\)",
        gettext_lazy("The server refused the connection. Check the host and the port."),
        "port",
    ),
    _cause(
        r"timeout expired|connection timed out|connect timeout|can't connect to (?:mysql )?server[^\n]*\((?:110|"
        r"4)\)|"
        r"can't connect to (?:mysql )?server[^\n]*\(115\)|no route to host|network is unreachable",
        gettext_lazy("The server does not respond. Check the host, the port and any firewall in between."),
        "host",
    ),
    _cause(
        r"too many connections|too many clients|remaining connection slots",
        gettext_lazy("The server has too many connections. Try again later."),
    ),
    _cause(
        r"statement timeout|TIMEOUT_EXCEEDED|EXCEEDED_TIME_LIMIT|Statement reached its statement|"
        r"maximum statement execution time exceeded|max_statement_time exceeded",
        gettext_lazy("The query took too long, and the database canceled it."),
        "query",
    ),
    _cause(
        r"read-only transaction|READ ONLY transaction|READ_ONLY_VIOLATION|in readonly mode|readonly database|"
        r"attached in read-only mode",
        gettext_lazy("The query changes data. Only queries that read data are allowed."),
        "query",
    ),
    _cause(
        r"permission denied for (?:table|view|relation|schema|function|sequence) \"?([^\"\n]+?)\"?$|"
        r"command denied to user [^\n]* for table [`'\"]?([^`'\"\n]+)|"
        r"have the grant SELECT(?:\([^)]*\))? ON ([\w.]*\w)|"
        r"Access Denied: Cannot select from (?:columns [^\n]* in )?"
        r"(?:table or view|table|view) ([\w.]+)|Access Denied: Table ([\w.:-]+)",
        gettext_lazy("The user has no permission to read “%(name)s”. Grant it in the database."),
        "query",
    ),
    _cause(
        r"duplicate column name \"([^\"]*)\"|duplicate column name '([^']*)'",
        gettext_lazy("The query has two columns named “%(name)s”. Rename one of them with AS."),
        "query",
    ),
    _cause(
        r"(?:relation|table with name|schema) \"?([^\"\s]+)\"? does not exist|table '([^']*)' doesn't exist|"
        r"no such table: (\S+)|(?:Unknown table expression identifier|^Table|: Table|: Schema) '([^']*)'|"
        r"Table ([\w.]+) does not exist|Object '([^']*)' does not exist|"
        r"table or view `?([\w`.]+?)`? cannot be found|"
        r"Not found: (?:Table|Dataset) ([\w.:-]+)",
        gettext_lazy("There is no table “%(name)s”."),
        "query",
    ),
    _cause(
        r"column \"?([^\"\n]+?)\"? does not exist|unknown column '([^']*)'|no such column: (\S+)|"
        r"referenced column \"([^\"]*)\" not found|Unknown (?:expression or function |"
        r"expression )?identifier [`']([^`']*)|"
        r"Missing columns: '([^']*)'|Column '([^']*)' cannot be resolved|invalid identifier '([^']*)'|"
        r"Unrecognized name: (\w+)|with name `([^`]*)` cannot be resolved",
        gettext_lazy("There is no column “%(name)s”."),
        "query",
    ),
    _cause(
        r"Function with name `([^`]*)` does not exist|function ([^\s(]+)\(?[^\n]* does not exist|"
        r"no such function: (\S+)|Function '([^']*)' not registered|Unknown function (\w+)|"
        r"Function not found: (\S+)",
        gettext_lazy("There is no function “%(name)s” for these values."),
        "query",
    ),
    _cause(r"division by zero", gettext_lazy("The query divides by zero."), "query"),
    _cause(
        r"invalid input syntax for type ([a-z ]+)",
        gettext_lazy("The query converts a value to the type “%(name)s”, but the value does not match the type."),
        "query",
    ),
    _cause(
        r"syntax error|error in your SQL syntax|parser error",
        gettext_lazy("The query has a syntax error."),
        "query",
    ),
    _cause(
        r"not a database|file is encrypted|not a valid DuckDB database file|unable to open database|"
        r"different version of the database",
        gettext_lazy("The file is not a database of this type, or its version is not supported."),
        "database",
    ),
    _cause(
        r"could not set lock on file|database is locked|database table is locked",
        gettext_lazy("Another program is writing to the file. Try again later."),
        "database",
    ),
    _cause(
        r"server closed the connection|lost connection|server has gone away|connection reset|"
        r"terminating connection",
        gettext_lazy("The connection to the database was lost. Try again."),
    ),
)


def sentence_of(text: str, kind: str) -> tuple[str, str]:
    """Return the sentence for an error of DuckDB or a driver, and the name of the field to change; empty if
    unknown. ``kind`` is the class of the error."""
    if kind == "ended":
        return _("The program that reads the rows ended unexpectedly. Try again."), ""
    if kind in ("OutOfMemoryException", "MemoryError", "killed"):
        return _("Reading the rows needed more memory than PROFILE_STORE_MEMORY_MB allows."), ""
    for cause in _CAUSES:
        if found := cause.pattern.search(text):
            return _with_line(_named(cause, found), text), cause.field
    unknown = _("The database reported an error. To see it, run the query in a database tool.")
    return _with_line(unknown, text), ""


def _named(cause: _Cause, found: re.Match[str]) -> str:
    name = next((group for group in found.groups() if group), "")
    safe = name if _SAFE_NAME.fullmatch(name) else "…"
    return str(cause.sentence) % {"name": safe}


def _with_line(sentence: str, text: str) -> str:
    """Add the line of the query that the server names."""
    found = _LINE.search(_OWN_LINE.sub("", text))
    line = next((group for group in found.groups() if group), None) if found else None
    return sentence if line is None else f"{sentence} {_('Line %(line)s of the query.') % {'line': line}}"
