"""Descriptions of rules in plain language."""

from segments.rules import operators


def test_nested_rules_are_one_sentence() -> None:
    tree = {
        "join": "and",
        "rules": [
            {"attribute": "newsletter", "operator": "is_yes"},
            {
                "join": "or",
                "rules": [
                    {"attribute": "city", "operator": "any_of", "value": ["Łódź", "Lo"], "ignore_case": True},
                    {"attribute": "points", "operator": "between", "value": [1, "2.5"]},
                    {"attribute": "born", "operator": "within_last_days", "value": 30},
                ],
            },
            {"join": "or", "rules": [{"attribute": "city", "operator": "is_not", "value": "x"}]},
        ],
    }
    assert operators.describe_rules(tree) == (
        "newsletter is yes and (city is any of “Łódź”, “Lo” (any case) or points is between 1 and 2.5 "
        "or born is within the last 30 days) and city is not “x”"
    )


def test_masked_rules_hide_their_values() -> None:
    tree = {"rules": [{"attribute": "city", "operator": "is", "value": "Turku"}]}
    assert "Turku" in operators.describe_rules(tree)
    assert "Turku" not in operators.describe_rules(tree, masked=True)


def test_a_condition_without_a_value_is_described_as_far_as_it_is_filled_in() -> None:
    assert operators.describe_condition({}) == ""
    assert operators.describe_condition({"attribute": "city"}) == "city …"
    assert operators.describe_condition({"attribute": "city", "operator": "is"}) == "city is …"
