"""The JSON Schema of files for `manage.py apply`, which editors use."""

import json
import random
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from django.core.management import call_command
from django.core.management.base import CommandError

from config.console import manifest
from config.console.demo.seeding import FILE as DEMO
from config.console.manifest.current import as_yaml, current_configuration
from config.console.manifest.schema import json_schema
from tests.integration.system.test_export_config import a_configuration, put
from tests.support import random_rules
from tests.support.profiles import create_attributes, create_profiles

README = Path(manifest.__file__).with_name("README.md")


class Editor(yaml.SafeLoader):
    """Read YAML as editors do, by YAML 1.2: yes, no, on and off are text, and so are dates."""


Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith((":bool", ":timestamp"))]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Editor.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def check(text: str) -> None:
    jsonschema.validate(yaml.load(text, Editor), json_schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_examples_fit() -> None:
    check(README.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0])
    check(DEMO.read_text(encoding="utf-8"))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(5))
def test_what_is_exported_fits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIAL_KEY", "a-key")
    create_profiles([{"email": "aino@example.com"}])
    create_attributes(random_rules.TYPES)
    put(json.dumps(a_configuration(random.Random(seed))))
    check(as_yaml(current_configuration()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"exprots": []},
        {"segments": [{"name": "A"}]},
        {"segments": [{"name": "A", "rules": {"rules": [{"attribute": "city", "operator": "like"}]}}]},
        {"segments": [{"name": "A", "rules": {"rules": []}, "schedule": "often"}]},
        {"connections": [{"name": "A", "destination": "campaign_monitor", "environment": "test"}]},
        {"exports": [{"name": "A", "connection": "B", "list_id": "1", "segments": [], "email": "email"}]},
    ],
)
def test_what_the_parser_refuses_does_not_fit(wrong: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema())


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("apply", "--schema")
    assert json.loads(capsys.readouterr().out) == json_schema()
    with pytest.raises(CommandError, match="Name a file"):
        call_command("apply")
