"""The normal forms of email addresses, stored beside a profile's attributes for SQL to compare."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import models

from config.platform.text.addresses import comparable_email

if TYPE_CHECKING:
    from segments.models import Profile


def emails_of(attributes: Mapping[str, object]) -> dict[str, str]:
    """Map the names of attributes whose value looks like an address to its comparable form."""
    return {
        name: email
        for name, value in attributes.items()
        if isinstance(value, str) and (email := comparable_email(value)) is not None
    }


class StoredEmails(models.JSONField):
    """Follows ``attributes`` whenever a profile is saved; imports, which write no single profile, fill it
    themselves."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        profile: Profile = model_instance  # type: ignore[assignment]
        profile.emails = emails_of(profile.attributes)
        return super().pre_save(model_instance, add)
