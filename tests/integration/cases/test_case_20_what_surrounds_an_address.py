"""Case 20: spaces and zero-width characters around an address, and its domain in Unicode."""

from pathlib import Path

from django.core.management import call_command

from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.sandbox import RunningSandbox

AROUND = {"nbsp": "\u00a0", "zero-width": "\u200b", "bom": "\ufeff", "joiner": "\u2060", "hyphen": "\u00ad"}


def test_such_addresses_are_sent_trimmed_and_in_punycode(account: RunningSandbox, tmp_path: Path) -> None:
    rows = [f"{name},{sign}{name}@Example.com{sign}" for name, sign in AROUND.items()]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["id,email", *rows, "idn,info@MÜNCHEN.de"]) + "\n", encoding="utf-8")
    call_command("import_profiles", str(path), "--key", "id", "--source", "Customers")
    segment = exports.segment_of_everyone()
    exports.export_to(account, exports.sandbox_connection(account), segment, mapping=[])
    assert run_export().code == 0
    sent = {person["EmailAddress"] for person in account.people()}
    assert sent == {*(f"{name}@example.com" for name in AROUND), "info@xn--mnchen-3ya.de"}
