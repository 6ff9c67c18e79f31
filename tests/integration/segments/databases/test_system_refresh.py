"""The system refresh runs the queries of data sources."""

import pytest

from config.console.system_refresh import stages
from segments.models import DatabaseEngine, DatabaseQuery, DataSource, ImportJob

pytestmark = pytest.mark.django_db


def test_it_imports_queries_and_files_again_but_no_uploads() -> None:
    DataSource.objects.create(name="Uploaded", key_column="id")
    DataSource.objects.create(name="File", key_column="id", path="/srv/people.csv")
    source = DataSource.objects.create(name="Query", key_column="id")
    DatabaseQuery.objects.create(
        source=source, engine=DatabaseEngine.POSTGRESQL, host="db.example.com", database="shop", query="customers"
    )
    sources = stages.DataSources()
    assert [target.name for target in sources.targets()] == ["File", "Query"]
    sources.begin(source.pk)
    job = ImportJob.objects.get()
    assert (job.path, job.file_name) == ("", "PostgreSQL: shop at db.example.com")
