"""Check that what uses an attribute can use it after a change."""

from collections.abc import Sequence

from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from segments import catalog, hooks
from segments.attribute_changes.following import column_plan_of, two_columns
from segments.attribute_changes.frame import ChangeRefused, named
from segments.hooks import Usage
from segments.models import AttributeType, DataSource, IdentityRules, ProfileAttribute, Segment
from segments.privacy.subjects import is_email_attribute
from segments.rules import tree as rule_trees


def check_addresses_found(before: str, after: str) -> None:
    """Raise ChangeRefused when erasures would no longer find the addresses in an attribute that gets another
    name."""
    sent_to = hooks.personal_data.email_attributes()
    if is_email_attribute(before, ()) and before not in sent_to and not is_email_attribute(after, ()):
        raise ChangeRefused(
            _(
                "Erasures and requests for personal data find the addresses of customers by the name of the "
                "attribute. Choose a name such as “email”, “private email” or “work email”."
            )
        )


def check_type(attribute: ProfileAttribute, kind: AttributeType) -> None:
    """Raise ChangeRefused when something could not use an attribute if it had another type."""
    if kind != AttributeType.TEXT and is_email_attribute(attribute.name, hooks.personal_data.email_attributes()):
        raise ChangeRefused(
            _("Erasures and requests for personal data find customers by their addresses. This stays a text.")
        )
    usages = [
        *(_identity() if kind != AttributeType.TEXT and identifies(attribute.pk) else []),
        *segment_usages(_segments_unable(attribute.name, kind)),
        *hooks.attribute_users.unable(attribute.name, kind),
    ]
    if usages:
        message = _("%(users)s cannot use “%(name)s” with the type %(type)s. Edit them first.")
        given = {"users": named(usages), "name": attribute.name, "type": kind.label}
        raise ChangeRefused(message % given, usages)


def check_merge(merged: ProfileAttribute, target: ProfileAttribute) -> None:
    """Raise ChangeRefused when an attribute cannot be merged into another one."""
    given = {"one": merged.name, "other": target.name}
    if merged.pk == target.pk:
        raise ChangeRefused(_("Choose another attribute to merge it into."))
    check_addresses_found(merged.name, target.name)
    check_type(merged, AttributeType(target.data_type))
    if identifies(merged.pk) and identifies(target.pk):
        message = _("The identity rules use “%(one)s” and “%(other)s”. Remove one of them first.")
        raise ChangeRefused(message % given, _identity())
    for source in DataSource.objects.order_by(Lower("name")):
        one, other = column_plan_of(source, merged), column_plan_of(source, target)
        if one is not None and other is not None:
            raise two_columns(source, one.column, other.column)
    if comparing := _segments_comparing(merged.name, target.name):
        usages = segment_usages(comparing)
        message = _("%(users)s compare “%(one)s” with “%(other)s”. Edit them first.")
        raise ChangeRefused(message % {**given, "users": named(usages)}, usages)
    if limited := hooks.attribute_users.telling_apart(merged.name, target.name):
        message = _("The limits of %(users)s allow only one of “%(one)s” and “%(other)s”.")
        raise ChangeRefused(message % {**given, "users": named(limited)}, limited)


def identifies(attribute_id: int) -> bool:
    """Say whether customers are recognized by an attribute."""
    return any(
        identifier["attribute"] == attribute_id
        for rules in IdentityRules.objects.all()
        for identifier in rules.identifiers
    )


def segment_usages(segments: Sequence[Segment]) -> list[Usage]:
    """Return segments as users of an attribute."""
    return [Usage(_("Segment"), each.name, reverse("segments:detail", args=[each.pk])) for each in segments]


def new_problems(rules: rule_trees.Tree, changed: rule_trees.Tree, types: rule_trees.AttributeTypes) -> bool:
    """Say whether rules have a problem after a change, with these types, that they do not have now."""
    known = {problem.path for problem in rule_trees.problems(rules, catalog.types_by_name())}
    return any(problem.path not in known for problem in rule_trees.problems(changed, types))


def _segments_comparing(one: str, other: str) -> list[Segment]:
    pair = {one.casefold(), other.casefold()}
    return [
        segment
        for segment in Segment.objects.order_by("pk")
        if any(
            {str(condition.get(key)).casefold() for key in ("attribute", "other_attribute")} == pair
            for condition in rule_trees.conditions(segment.rules)
        )
    ]


def _segments_unable(name: str, kind: AttributeType) -> list[Segment]:
    types = {**catalog.types_by_name(), name: kind}
    return [each for each in Segment.objects.order_by("pk") if new_problems(each.rules, each.rules, types)]


def _identity() -> list[Usage]:
    return [Usage(_("Identity"), str(_("Identity")), reverse("segments:identity"))]
