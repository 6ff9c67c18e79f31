"""Let each user choose the kinds of notifications to receive by mail."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.accounts import actions
from config.platform.accounts.models import User
from config.platform.accounts.roles import Role
from config.platform.notifications import recipients
from config.platform.notifications.kinds import MEANINGS


class HearingForm(forms.Form):
    """Whether, and of which kinds."""

    hears_of_troubles = forms.BooleanField(
        label=gettext_lazy("Tell me by email when something gets worse, and when it is well again"), required=False
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Of what"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, user: User, data: Any = None) -> None:
        heard = [kind.value for kind in MEANINGS if kind not in user.unheard_kinds]
        super().__init__(data, initial={"hears_of_troubles": hears_of_troubles(user), "kinds": heard})
        kinds = self.fields["kinds"]
        assert isinstance(kinds, forms.MultipleChoiceField)  # noqa: S101
        kinds.choices = [
            (kind.value, format_html("<strong>{}</strong><small>{}</small>", kind.label, meaning))
            for kind, meaning in MEANINGS.items()
        ]
        if not user.email:
            self.fields["hears_of_troubles"].help_text = _(
                "An administrator has to give you an email address first."
            )


def choose(*, user: User, hears_of_troubles: bool, kinds: Collection[str]) -> None:
    """Be told of ``kinds`` alone, and of those that do not exist yet."""
    unheard = [kind.value for kind in MEANINGS if kind not in kinds]
    actions.choose_reading(user=user, hears_of_troubles=hears_of_troubles, unheard_kinds=unheard)


def hears_of_troubles(user: User) -> bool:
    """Whether this person is told of troubles, by their own choice or as administrators are."""
    chosen = user.hears_of_troubles
    return user.role == Role.ADMINISTRATOR if chosen is None else chosen


def who_is_told() -> list[tuple[User, str]]:
    """Who is told by email, each with of how many kinds, see ``told_of``."""
    return [(person, told_of(person)) for person in recipients.people().order_by("full_name", "username")]


def told_of(user: User) -> str:
    """Say of how many kinds the user is notified; empty for all of them."""
    heard = sum(kind not in user.unheard_kinds for kind in MEANINGS)
    return "" if heard == len(MEANINGS) else _("%(n)d of %(all)d kinds") % {"n": heard, "all": len(MEANINGS)}
