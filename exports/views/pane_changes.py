"""Find what was changed in the pane since its last answer. A change that a later one overtook comes along with
it, so that what both ask for is done and shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest

from exports.forms.draft import Draft


@dataclass(frozen=True)
class Change:
    """``what`` was changed; of the rows of the data matching also how: “add”, “match”, or the place of one that
    goes."""

    what: str
    rows: str = ""


@dataclass(frozen=True)
class Changes:
    """Changes in the order in which they were made; their places are those in the form that came with them."""

    made: Sequence[Change]

    @classmethod
    def of(cls, request: HttpRequest) -> "Changes":
        """From ``?changed=…&rows=…``, and what the form says was not answered yet: “rows:add,email:”."""
        overtaken = [Change(*text.split(":", 1)) for text in request.POST.get("unanswered", "").split(",") if text]
        now = Change(request.GET.get("changed", ""), request.GET.get("rows", ""))
        return cls([*overtaken, now])

    @property
    def names(self) -> set[str]:
        """What was changed."""
        return {change.what for change in self.made}

    @property
    def match_by_name(self) -> bool:
        return any(change.rows == "match" for change in self.made)

    def on(self, draft: Draft, *, picked: str) -> Draft:
        """The draft with these changes; ``picked``: the list that is chosen in the picker. Of a list that is
        picked and one that is typed the later counts."""
        lists = [change.what for change in self.made if change.what in ("list_pick", "list_id")]
        if lists and lists[-1] == "list_pick":
            draft = replace(draft, list_id=picked)
        gone = {int(change.rows) for change in self.made if change.rows.isdigit()}
        for place in sorted(gone, reverse=True):
            draft = draft.without_row(place)
        for change in self.made:
            if change.rows == "add":
                draft = draft.with_row()
        return draft
