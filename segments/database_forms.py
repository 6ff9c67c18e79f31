"""The form of the database of a data source, and of the query in it."""

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from segments.models import DatabaseEncryption, DatabaseEngine, DatabaseQuery
from segments.sources.databases.actions import QuerySettings
from segments.sources.databases.fetch import QueryFailed
from segments.sources.files.file_format import FileRefused

_PLAIN: Final = {"autocomplete": "off", "spellcheck": "false"}
_NEEDED: Final = {
    DatabaseEngine.POSTGRESQL: ("host", "database", "user"),
    DatabaseEngine.MYSQL: ("host", "database", "user"),
    DatabaseEngine.REDSHIFT: ("host", "database", "user"),
    DatabaseEngine.SNOWFLAKE: ("host", "user"),
    DatabaseEngine.BIGQUERY: ("database",),
    DatabaseEngine.DATABRICKS: ("host", "warehouse"),
    DatabaseEngine.CLICKHOUSE: ("host", "user"),
    DatabaseEngine.TRINO: ("host", "user"),
    DatabaseEngine.SQLITE: ("path",),
    DatabaseEngine.DUCKDB: ("path",),
}


class DatabaseForm(forms.Form):
    """Enter a database and a query: the first step. Which fields are shown depends on the kind of database."""

    use_required_attribute = False
    engine = forms.ChoiceField(label=_("Database type"), choices=DatabaseEngine.choices)
    host = forms.CharField(
        label=_("Host"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )
    port = forms.IntegerField(
        label=_("Port"),
        min_value=1,
        max_value=65_535,
        required=False,
        help_text=_(
            "Leave empty for the default port: 5432 for PostgreSQL, 3306 for MySQL, 5439 for Redshift, 8443 for "
            "ClickHouse, 443 for Trino."
        ),
    )
    database = forms.CharField(
        label=_("Database"),
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    warehouse = forms.CharField(
        label=_("Warehouse"), max_length=255, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    path = forms.CharField(
        label=_("File"),
        max_length=500,
        required=False,
        help_text=_("The full path on the server, in a folder that is listed in the setting SOURCE_FOLDERS."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    user = forms.CharField(
        label=_("User"),
        max_length=128,
        required=False,
        help_text=_("Use a database user with read-only access."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=10_000,
        required=False,
        strip=False,
        help_text=_("Or enter a reference to a secret: env:CREDENTIAL_NAME or file:/run/secrets/name."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    encryption = forms.ChoiceField(
        label=_("Encryption"),
        choices=DatabaseEncryption.choices,
        initial=DatabaseEncryption.VERIFY,
        required=False,
        help_text=_(
            "Verified: the certificate of the host is checked. None: rows, and in ClickHouse also the password, "
            "are sent unencrypted."
        ),
    )
    query = forms.CharField(
        label=_("Query"),
        max_length=20_000,
        help_text=_("A SELECT statement in the SQL of the database, or the name of a table."),
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 8, "class": "input--code"}),
        error_messages={"required": _("Enter a query, or the name of a table.")},
    )

    def __init__(self, *args: Any, has_password: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_password:
            self.fields["password"].widget.attrs["placeholder"] = _("Stored")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        engine = cleaned.get("engine")
        if engine:
            for name in _NEEDED[DatabaseEngine(engine)]:
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, _("This field is required."))
        return cleaned

    def settings(self) -> QuerySettings:
        """Return the settings of a valid form. An empty password keeps the one that is known."""
        given = self.cleaned_data
        engine = DatabaseEngine(given["engine"])
        return QuerySettings(
            engine=engine,
            host=given["host"],
            port=given["port"],
            database=given["path"] if engine.is_file else given["database"],
            warehouse=given["warehouse"],
            user=given["user"],
            encryption=DatabaseEncryption(given["encryption"] or DatabaseEncryption.VERIFY),
            password=given["password"] or None,
            query=given["query"],
        )

    def add_failure(self, refusal: FileRefused) -> None:
        """Show why the query cannot be read beside the field that is to be changed."""
        name = refusal.field if isinstance(refusal, QueryFailed) else "query"
        if name == "database" and DatabaseEngine(self.cleaned_data["engine"]).is_file:
            name = "path"
        self.add_error(name if name in self.fields else None, str(refusal))


def values_of(query: DatabaseQuery | QuerySettings) -> dict[str, Any]:
    """Return the values of the form for a query, without the password."""
    names = ("engine", "host", "port", "warehouse", "user", "encryption", "query")
    place = "path" if DatabaseEngine(query.engine).is_file else "database"
    return {name: getattr(query, name) for name in names} | {place: query.database}
