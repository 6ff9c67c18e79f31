"""The table of operators."""

from segments.rules.operators import OPERATORS


def test_every_operator_has_a_key_and_a_label() -> None:
    for operators in OPERATORS.values():
        assert len({operator.key for operator in operators}) == len(operators)
        assert all(str(operator.label) for operator in operators)
