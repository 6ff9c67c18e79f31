"""Define the query that a data source reads its rows with from a database of the user."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from config.platform.encryption.fields import EncryptedJSONField
from segments.models.profile import DataSource


class DatabaseEngine(models.TextChoices):
    """The kinds of databases that data sources can read."""

    POSTGRESQL = "postgresql", "PostgreSQL"
    MYSQL = "mysql", "MySQL, MariaDB"
    REDSHIFT = "redshift", _("Amazon Redshift (preview)")
    SNOWFLAKE = "snowflake", _("Snowflake (preview)")
    BIGQUERY = "bigquery", _("Google BigQuery (preview)")
    DATABRICKS = "databricks", _("Databricks (preview)")
    CLICKHOUSE = "clickhouse", _("ClickHouse (preview)")
    TRINO = "trino", _("Trino (preview)")
    SQLITE = "sqlite", _("SQLite file")
    DUCKDB = "duckdb", _("DuckDB file")

    @property
    def is_file(self) -> bool:
        return self in (DatabaseEngine.SQLITE, DatabaseEngine.DUCKDB)

    @property
    def is_warehouse(self) -> bool:
        """Return whether a driver that is installed separately reads it."""
        return self in _WAREHOUSES

    @property
    def is_hosted(self) -> bool:
        """Return whether its vendor alone serves it, always encrypted and at the same port."""
        return self in (DatabaseEngine.SNOWFLAKE, DatabaseEngine.BIGQUERY, DatabaseEngine.DATABRICKS)

    @property
    def is_typed(self) -> bool:
        """Return whether columns have types: in SQLite each value has its own."""
        return self is not DatabaseEngine.SQLITE


_WAREHOUSES = (
    DatabaseEngine.SNOWFLAKE,
    DatabaseEngine.BIGQUERY,
    DatabaseEngine.DATABRICKS,
    DatabaseEngine.CLICKHOUSE,
    DatabaseEngine.TRINO,
)


class DatabaseEncryption(models.TextChoices):
    """How the way to a database server is encrypted."""

    VERIFY = "verify", _("Required and verified")
    REQUIRE = "require", _("Required")
    NONE = "none", _("None")


class DatabaseQuery(models.Model):
    """The database of a data source, and the query whose rows it imports."""

    source = models.OneToOneField(DataSource, on_delete=models.CASCADE, related_name="database_query")
    engine = models.CharField(_("kind of database"), max_length=12, choices=DatabaseEngine.choices)
    # The name of the server, or the account of Snowflake.
    host = models.CharField(_("host"), max_length=255, blank=True)
    port = models.IntegerField(
        _("port"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(65_535)]
    )
    # The name of the database, the path of its file, or the project of BigQuery.
    database = models.CharField(_("database"), max_length=500)
    # What computes the query: the warehouse of Snowflake, or the HTTP path of that of Databricks.
    warehouse = models.CharField(_("warehouse"), max_length=255, blank=True)
    user = models.CharField(_("user"), max_length=128, blank=True)
    encryption = models.CharField(
        _("encryption"), max_length=8, choices=DatabaseEncryption.choices, default=DatabaseEncryption.VERIFY
    )
    # {"password": the password, or a reference to it}; None without one.
    credentials = EncryptedJSONField(null=True)
    query = models.TextField(_("query"), max_length=20_000)

    def __str__(self) -> str:
        """Return where the rows come from, for lists and pages of imports."""
        engine = DatabaseEngine(self.engine)
        if engine.is_file or not self.host:
            return f"{engine.label}: {self.database.rpartition('/')[2]}"
        if not self.database:
            return f"{engine.label}: {self.host}"
        return _now("%(engine)s: %(database)s at %(host)s") % {
            "engine": engine.label,
            "database": self.database,
            "host": self.host,
        }
