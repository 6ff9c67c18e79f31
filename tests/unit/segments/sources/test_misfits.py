"""Sentences about values that do not fit: they show the shape of a value, never the value."""

import pytest

from segments.sources.column_plan import ColumnType
from segments.sources.misfits import misfit_count, misfit_reason, shape


def test_a_shape_holds_no_personal_data() -> None:
    assert shape("Ann Ó, 27\n") == "Aaa A, 99?"
    assert shape("x" * 50) == "a" * 30 + "…"


@pytest.mark.parametrize("kind", ColumnType)
def test_each_type_has_a_sentence(kind: ColumnType) -> None:
    sentence = misfit_reason(kind)("Ann 27")
    assert sentence.startswith("A value of the form “Aaa 99” is n")
    assert "27" not in sentence


def test_misfits_are_counted_in_a_sentence() -> None:
    assert misfit_count("points", 1) == ("Column “points”: 1 value does not match the type and is left empty.")
    assert misfit_count("points", 2) == "Column “points”: 2 values do not match the type and are left empty."
