"""A data source with profiles, and the catalog of their attributes."""

import pytest

from segments.models import AttributeType, DataSource
from tests.support.profiles import create_attributes, create_profile

ATTRIBUTE_TYPES = {
    "email": AttributeType.TEXT,
    "first_name": AttributeType.TEXT,
    "city": AttributeType.TEXT,
    "points": AttributeType.NUMBER,
    "born": AttributeType.DATE,
    "newsletter": AttributeType.BOOLEAN,
}


@pytest.fixture
def shop(db: None) -> DataSource:
    """Return a source with three profiles: Aino and Väinö of Turku, Zofia of Łódź."""
    create_attributes(ATTRIBUTE_TYPES)
    source = DataSource.objects.create(name="Shop", key_column="id")
    for key, first_name, city, points, newsletter in [
        ("C1", "Aino", "Turku", 10, True),
        ("C2", "Väinö", "Turku", 200, False),
        ("C3", "Zofia", "Łódź", 3000, True),
    ]:
        attributes = {
            "email": f"{key.lower()}@example.com",
            "first_name": first_name,
            "city": city,
            "points": points,
            "born": "1990-01-02",
            "newsletter": newsletter,
        }
        create_profile(source, key, attributes)
    return source
