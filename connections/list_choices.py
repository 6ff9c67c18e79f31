"""Offer lists in “Limits”: those of the account, those that are chosen already, and any that is added by its
id."""

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from config.platform.encryption.fields import Sealed
from connections import lookups
from connections.destinations.values import ListDetails
from connections.drafts import Draft
from connections.models import Connection


@dataclass(frozen=True)
class ListChoice:
    """A list to tick. ``title`` is empty as long as the account was not asked."""

    list_id: str
    title: str
    group: str
    chosen: bool


@dataclass(frozen=True)
class ListChoices:
    """What there is to tick, and why the account's own lists are not among it."""

    choices: Sequence[ListChoice]
    trouble: str = ""


def as_set_up(connection: Connection, draft: Draft | None) -> Connection:
    """The connection as it will be once saved: with credentials that were just found good, if any."""
    if draft is None or not draft.verified:
        return connection
    changed = copy.copy(connection)
    changed.credentials, changed.options = Sealed(draft.sealed), draft.options
    return changed


def without_asking(chosen: Collection[str]) -> ListChoices:
    """What is chosen, by id."""
    return ListChoices([ListChoice(list_id, "", "", True) for list_id in chosen])


def of_account(connection: Connection, chosen: Collection[str], added: Sequence[ListDetails] = ()) -> ListChoices:
    """The account's lists and what is chosen beside them; ``added`` are lists that were looked up just now."""
    if connection.credentials is None:
        trouble = _("The lists appear after you connect the account.")
        return ListChoices(without_asking(chosen).choices, trouble)
    lists = lookups.lists_of(connection)
    wanted = {list_id.casefold() for list_id in chosen}
    choices = [
        ListChoice(each.list_id, each.title, each.group, each.list_id.casefold() in wanted) for each in lists.found
    ]
    known = {each.list_id.casefold() for each in choices}
    looked_up = {each.list_id: ListChoice(each.list_id, each.title, each.group, True) for each in added}
    others = [list_id for list_id in chosen if list_id.casefold() not in known]
    choices += [looked_up.get(list_id, ListChoice(list_id, "", "", True)) for list_id in others]
    return ListChoices(choices, lists.trouble)
