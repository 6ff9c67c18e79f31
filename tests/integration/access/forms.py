"""Read the forms of pages as a browser would send them, for the tests of the role matrix."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """A form of a page: where it posts to, its fields as a browser would send them, its named buttons."""

    url: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    unchecked: set[str] = field(default_factory=set)  # fields that a browser sends only once they are checked

    def posts(self) -> list[dict[str, list[str]]]:
        """The data of each button: of those with a name, or of the form alone."""
        named = [self.fields | {name: [value]} for name, value in dict.fromkeys(self.buttons)]
        return named or [self.fields]


def forms_of(html: str, page_url: str) -> list[Form]:
    """Read the forms of a page that post, htmx buttons included."""
    reader = _Reader(page_url)
    reader.feed(html)
    return reader.found


_SAMPLES = {
    "email": "new@example.com",
    "number": "7",
    "date": "2026-01-02",
    "time": "10:00",
    "password": "a-long-pass-1",
}


class _Reader(HTMLParser):
    def __init__(self, page_url: str) -> None:
        super().__init__()
        self.page_url, self.found = page_url, list[Form]()
        self.form: Form | None = None
        self.select: str = ""
        self.area: str = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            url = given.get("hx-post") or given.get("action") or self.page_url
            posts = "hx-post" in given or given.get("method", "").lower() == "post"
            self.form = Form(url)
            if posts:
                self.found.append(self.form)
        elif "hx-post" in given and tag != "form":
            around = self.form or Form("")
            self.found.append(Form(given["hx-post"], around.fields, unchecked=around.unchecked))
        if self.form is None or "disabled" in given:
            return
        name = given.get("name", "")
        if tag == "button" and given.get("type", "submit") == "submit":
            self._button(name, given)
        elif tag == "input" and name:
            self._input(name, given)
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in given or self.select not in self.form.fields:
                self.form.fields[self.select] = [given.get("value", "")]
        elif tag == "textarea" and name:
            self.area = name
            self.form.fields[name] = [""]

    def _button(self, name: str, given: dict[str, str]) -> None:
        assert self.form is not None
        if name:
            self.form.buttons.append((name, given.get("value", "")))
        if url := given.get("formaction"):
            self.found.append(Form(url, self.form.fields, unchecked=self.form.unchecked))

    def _input(self, name: str, given: dict[str, str]) -> None:
        assert self.form is not None
        kind = given.get("type", "text")
        if kind in ("checkbox", "radio"):
            if "checked" in given or "required" in given:
                self.form.fields.setdefault(name, []).append(given.get("value", "on"))
            else:
                self.form.unchecked.add(name)
        elif kind == "submit":
            self.form.buttons.append((name, given.get("value", "")))
        elif kind != "file" and name != "csrfmiddlewaretoken":
            value = given.get("value", "")
            if not value and "required" in given:
                value = _SAMPLES.get(kind, "Sample")
            self.form.fields.setdefault(name, []).append(value)

    def handle_data(self, data: str) -> None:
        if self.area and self.form is not None:
            self.form.fields[self.area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = ""
        elif tag == "textarea":
            self.area = ""
