"""Write the rules of segments as a manifest has them: with names of segments, and values as text."""

from collections.abc import Mapping
from typing import Any


def plain_rules(tree: Mapping[str, Any], names: Mapping[int, str]) -> dict[str, Any]:
    """Return rules in the one form of a manifest. ``names`` are those of segments by ID; without a name, the ID
    stays."""
    if "attribute" not in tree and "segment" not in tree:
        rules = [plain_rules(rule, names) for rule in tree.get("rules", ())]
        return {"join": tree.get("join", "and"), "rules": rules}
    if "segment" in tree:
        return {"segment": names.get(tree["segment"], tree["segment"]), "operator": tree["operator"]}
    rule: dict[str, Any] = {"attribute": tree["attribute"], "operator": tree["operator"]}
    if "other_attribute" in tree:
        rule["other_attribute"] = tree["other_attribute"]
    elif tree.get("value") is not None:
        rule["value"] = _as_text(tree["value"])
    if tree.get("ignore_case"):
        rule["ignore_case"] = True
    return rule


def _as_text(value: Any) -> str | list[str]:
    """Return a value as a manifest gives it back: files have only text."""
    return [str(each) for each in value] if isinstance(value, list | tuple) else str(value)
