"""The environment is read with types, and a bad value says what to do."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THING", raising=False)
    monkeypatch.delenv("THING_FILE", raising=False)


def test_text_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "a value")
    assert environment.text("THING") == "a value"


def test_what_is_required_and_absent_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Set THING \(or THING_FILE\)"):
        environment.text("THING")


def test_an_empty_value_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "")
    assert environment.text("THING", "default") == "default"


def test_a_value_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("THING", "from the environment")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))
    assert environment.text("THING") == "from a file"


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THING_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match=r"missing in THING_FILE cannot be read"):
        environment.text("THING")


@pytest.mark.parametrize(
    ("written", "meant"), [("yes", True), ("ON", True), ("1", True), ("no", False), ("false", False)]
)
def test_a_flag_takes_the_usual_spellings(monkeypatch: pytest.MonkeyPatch, written: str, meant: bool) -> None:
    monkeypatch.setenv("THING", written)
    assert environment.flag("THING", not meant) is meant


def test_a_flag_refuses_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="THING must be yes or no, not “perhaps”"):
        environment.flag("THING", False)


def test_a_number_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " 12 ")
    assert environment.number("THING", 1) == 12


@pytest.mark.parametrize("written", ["twelve", "1.5", "1e3"])
def test_a_number_refuses_words(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("THING", written)
    with pytest.raises(ImproperlyConfigured, match="must be a whole number"):
        environment.number("THING", 1)


@pytest.mark.parametrize("written", ["0", "65"])
def test_a_number_keeps_its_bounds(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("THING", written)
    with pytest.raises(ImproperlyConfigured, match="must be a number from 1 to 64"):
        environment.number("THING", 1, least=1, most=64)


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "one, two,,three ")
    assert environment.comma_separated("THING") == ["one", "two", "three"]


def test_a_choice_is_one_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "debug")
    assert environment.choice("THING", "INFO", ("DEBUG", "INFO")) == "DEBUG"
    monkeypatch.setenv("THING", "loud")
    with pytest.raises(ImproperlyConfigured, match="must be one of DEBUG, INFO"):
        environment.choice("THING", "INFO", ("DEBUG", "INFO"))


def test_a_time_zone_is_one_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", "Europe/Vienna")
    assert environment.time_zone("THING", "UTC") == "Europe/Vienna"


@pytest.mark.parametrize("written", ["Middle/Earth", "../etc", "Europe"])
def test_a_time_zone_that_does_not_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("THING", written)
    with pytest.raises(ImproperlyConfigured, match="must be a time zone such as"):
        environment.time_zone("THING", "UTC")


def test_a_database_is_an_address_of_postgresql() -> None:
    settings = environment.database("postgres://user:word@db.example:5433/exports")
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example", 5433, "exports")


@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", "mysql://localhost/x"])
def test_another_engine_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must start with postgres://"):
        environment.database(url)


def test_a_bad_address_is_refused_without_its_password() -> None:
    with pytest.raises(ImproperlyConfigured, match="must be an address") as refused:
        environment.database("postgres://user:hush@host:port/name")
    assert "hush" not in str(refused.value)


def test_mail_goes_to_the_server_that_is_named() -> None:
    settings = environment.mail("smtp+tls://user:word@mail.example:587")
    assert (settings["EMAIL_HOST"], settings["EMAIL_PORT"], settings["EMAIL_USE_TLS"]) == (
        "mail.example",
        587,
        True,
    )
    assert environment.mail("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")


@pytest.mark.parametrize("url", ["post://user:hush@mail.example", "smtp://user:hush@mail.example:port"])
def test_a_bad_mail_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must be an address") as refused:
        environment.mail(url)
    assert "hush" not in str(refused.value)


def test_single_sign_on_wants_all_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.single_sign_on() == {}
    monkeypatch.setenv("OIDC_ISSUER", "id.example")
    with pytest.raises(ImproperlyConfigured, match="https:// address"):
        environment.single_sign_on()
    monkeypatch.setenv("OIDC_ISSUER", "https://id.example/")
    with pytest.raises(ImproperlyConfigured, match="Set OIDC_CLIENT_ID"):
        environment.single_sign_on()


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        ("", {"URL_STYLE": "vhost"}),
        ("http://127.0.0.1:9000", {"ENDPOINT": "127.0.0.1:9000", "USE_SSL": "false", "URL_STYLE": "path"}),
        ("https://minio.example.com/", {"ENDPOINT": "minio.example.com", "USE_SSL": "true", "URL_STYLE": "path"}),
        ("minio.example.com:9000", {"ENDPOINT": "minio.example.com:9000", "USE_SSL": "true", "URL_STYLE": "path"}),
    ],
)
def test_a_bucket_is_reached_by_its_endpoint(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, parameters: dict[str, str]
) -> None:
    monkeypatch.setenv("THING_ENDPOINT", endpoint)
    monkeypatch.setenv("THING_KEY_ID", "key")
    assert environment.bucket("THING") == {"KEY_ID": "key", **parameters}


def test_a_bucket_may_be_named_in_the_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING_ENDPOINT", "https://storage.example.com")
    monkeypatch.setenv("THING_URL_STYLE", "vhost")
    assert environment.bucket("THING")["URL_STYLE"] == "vhost"


@pytest.mark.parametrize("endpoint", ["s3://bucket", "http://", "https://storage.example.com/bucket"])
def test_an_endpoint_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("THING_ENDPOINT", endpoint)
    with pytest.raises(ImproperlyConfigured, match="THING_ENDPOINT must be an address"):
        environment.bucket("THING")
