"""Change the tags of several exports: all of them or none."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.tags import change
from config.platform.tags.texts import MAX_TAGS
from exports import permissions, policies
from exports.models import Export


@transaction.atomic
def change_tags(exports: Sequence[Export], *, add: Sequence[str], remove: Sequence[str], by: User) -> int:
    """Remove tags from exports and add others at the end. Returns how many are changed. Raises PermissionDenied,
    and policies.Refusal when an export is being removed or would have too many tags."""
    for export in exports:
        permissions.check_can_manage(by, export)
        policies.check_stays(export)
    found = Export.objects.filter(pk__in=[export.pk for export in exports])
    changed, too_many = change.change_tags(found, add=add, remove=remove, by=by)
    if too_many:
        sentence = _("“%(name)s” would have more than %(most)d tags.")
        raise policies.Refusal(sentence % {"name": too_many[0], "most": MAX_TAGS})
    return len(changed)
