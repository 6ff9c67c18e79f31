"""The product calls nothing that runs text as code, and its pages insert no text as HTML."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "connections", "segments", "exports")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MODULES = [path for path in FILES if "migrations" not in path.parts]
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *("pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "yaml.load", "yaml.unsafe_load"),
    *("Template", "engines.from_string", "Engine.from_string", "jinja2.Template"),
    *("hashlib.sha1", "hashlib.new", "random.choice", "random.randint", "random.getrandbits"),
}
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
AS_HTML = re.compile(
    r"\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|postMessage|__proto__"
    r"|Object\.assign"
)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keywords(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def is_dangerous(name: str, call: ast.Call) -> bool:
    named = keywords(call)
    weak = name == "hashlib.md5" and named.get("usedforsecurity") != "False"
    weak |= name == "salted_hmac" and "algorithm" not in named  # SHA-1
    return name in FORBIDDEN or named.get("shell") == "True" or weak or named.get("verify") == "False"


def test_a_dangerous_call_is_noticed(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("eval('1')\nsubprocess.run('ls', shell=True)\nrequests.get('x', verify=False)\nlen('x')\n")
    assert [name for name, call in calls(module) if is_dangerous(name, call)] == [
        "eval",
        "subprocess.run",
        "requests.get",
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_runs_text_or_skips_a_check(package: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}:{call.lineno} {name}"
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == package
        for name, call in calls(path)
        if is_dangerous(name, call)
    }
    assert found == set()


def test_only_pictures_of_programs_are_inserted_unescaped() -> None:
    pages = sorted((ROOT / "templates").rglob("*.html"))
    unescaped = re.compile(r"\|safe\b|autoescape off")
    found = {str(page.relative_to(ROOT)) for page in pages if unescaped.search(page.read_text())}
    assert found == {"templates/mfa/totp/activate_form.html"}


def test_only_our_own_texts_are_marked_as_safe() -> None:
    """Icons, drawings of counts, and the texts of the help and of README.md."""
    marked = {str(path.relative_to(ROOT)) for path in MODULES if re.search(r"\bmark_safe\(", path.read_text())}
    assert marked == {
        "config/console/readme_tables.py",
        "config/console/views/help.py",
        "config/console/views/home.py",
        "config/platform/web/templatetags/ui.py",
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.name for script in SCRIPTS])
def test_no_script_inserts_text_as_html(script: Path) -> None:
    assert AS_HTML.findall(script.read_text(encoding="utf-8")) == []


# Formats in variables: constants have other names, and these hold translated texts.
FORMATS = {
    *("sentence", "message", "title", "label", "people", "detail", "pattern", "paragraph", "words.statement"),
    *("numberformat", "chance.choice(_TYPOS)", "sql.SQL(statement)", "listed_states.NOT_OWN_REMOVAL"),
    *("_TEXTS['decimal']", "_TEXTS.get(name, _TEXTS[kind])", "str(error_codes.NOT_FROM_VENDOR)"),
    *("error_codes.UNREACHABLE", "error_codes.PLAN_FULL"),
}


def formats(path: Path) -> Iterator[str]:
    """Yield what is formatted by ``format`` and is no text that stands there, translated or not."""
    for name, call in calls(path):
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("format", "format_map"):
            continue
        value = call.func.value
        is_literal = isinstance(value, ast.Constant) or (
            isinstance(value, ast.Call) and bool(value.args) and isinstance(value.args[0], ast.Constant)
        )
        receiver = name.rpartition(".")[0]
        if not is_literal and not re.fullmatch(r"_[A-Z_]+|[A-Z_]+", receiver):
            yield receiver


def test_no_module_takes_formats_from_elsewhere(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("request.POST['x'].format(a=1)\n'{a}'.format(a=1)\n_('{a}').format(a=1)\n")
    assert list(formats(module)) == ["request.POST['x']"]
    assert {found for path in MODULES for found in formats(path)} - FORMATS == set()


def test_names_of_downloads_are_our_own_words() -> None:
    """Numbers, kinds from a fixed list and a day; held_imports.py and audit/views.py make theirs of such, too."""
    found = {
        part
        for path in MODULES
        for name in re.findall(r'filename="([^"]*)"', path.read_text(encoding="utf-8"))
        for part in re.findall(r"\{([^}]*)\}", name)
    }
    assert found == {"name", "kind", "run.number", "pk", "file_name"}
