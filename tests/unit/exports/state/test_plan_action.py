"""Every action of a plan has its place: excluded, sent, or on the list already."""

import re
from dataclasses import fields
from inspect import getsource

from exports.selection import diff
from exports.selection.plan_counts import PlanCounts
from exports.state.plan_action import EXCLUDED, ON_LIST, RETURNING, SENT, WANTED, PlanAction


def test_every_action_is_either_excluded_or_wanted() -> None:
    assert {*EXCLUDED, *WANTED} == set(PlanAction)
    assert not {*EXCLUDED} & {*WANTED}


def test_what_is_sent_is_wanted_and_will_be_on_the_list() -> None:
    assert {*RETURNING} < {*SENT} < {*ON_LIST} < {*WANTED}


def test_new_contacts_are_sent_first() -> None:
    assert SENT[0] is PlanAction.ADD


def test_every_action_is_counted() -> None:
    assert {field.name for field in fields(PlanCounts)} == set(PlanAction)


def test_the_difference_writes_actions_only() -> None:
    written = set(re.findall(r"(?:THEN|ELSE) '(\w+)'", getsource(diff)))
    assert written
    assert written <= set(PlanAction)
