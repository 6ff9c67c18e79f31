"""Confirm an action in a dialog: one answer for all dialogs of exports and runs that show a text and a button."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.http import HttpResponse
from django.utils.translation import gettext as _

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from exports.policies import Refusal

_MOST_DIGITS = 12


class Validated(Protocol):
    """A form that says whether its choices can be carried out."""

    def is_valid(self) -> bool: ...


@dataclass(frozen=True)
class Confirmation:
    """What a dialog shows, and what its button does. ``act`` returns the address to go to and the toast to show
    there; ``details`` returns what else ``template`` needs. Both may raise Refusal; unless ``may_retry``, the
    dialog then shows nothing but the refusal."""

    title: str
    confirm_label: str
    act: Callable[[], tuple[str, str]]
    back: str
    sentence: str = ""
    names: Sequence[str] = ()
    selected: Sequence[int] = ()
    danger: bool = False
    cancel_label: str = ""
    template: str = "components/confirm.html"
    form: Validated | None = None
    details: Callable[[], Mapping[str, object]] = dict
    may_retry: bool = True


def confirm(request: Request, asked: Confirmation) -> HttpResponse:
    """Show the dialog; posted to, carry the action out. Answers 422 for a form that is not valid, and 409 for a
    refusal."""
    status, refusal = 200, ""
    if request.method == "POST" and asked.form is not None and not asked.form.is_valid():
        status = 422
    elif request.method == "POST":
        try:
            return close_pane(request, *asked.act())
        except Refusal as refused:
            status, refusal = 409, refused.sentence
    context = vars(asked) | {"active_nav": "exports"}
    if not refusal or asked.may_retry:
        try:
            context |= asked.details()
        except Refusal as refused:
            status, refusal = 409, refusal or refused.sentence
    if asked.selected:  # posted with the form: not in the address as well
        context["action_url"] = request.path
    context |= {"refusal": refusal, "hides_confirm": bool(refusal) and not asked.may_retry}
    return render_dialog(request, context, asked.template, status, back=asked.back)


def count_shown(request: Request, name: str) -> int:
    """Return how many contacts the dialog showed to the user, as the field ``name`` says. Raises Refusal."""
    text = request.POST.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise Refusal(_("Check the number of contacts first, then confirm."))
    return int(text)
