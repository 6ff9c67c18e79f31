"""What each export to Campaign Monitor decides beside its list and fields, and how the answers are read."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from connections.destinations.values import Choice, Concerns, Question

CONSENT_TO_TRACK = "consent_to_track"
CONSENT_TO_SEND_SMS = "consent_to_send_sms"
BLANKS = "blanks"
AUTOMATIONS = "automations"

MOBILE_KEY = "mobile_number"


def all_questions() -> Sequence[Question]:
    """In the order of asking."""
    return [_consent_to_track(), _consent_to_send_sms(), _blanks(), _automations()]


def clears_blanks(answers: Mapping[str, str]) -> bool:
    """Whether a value that a profile no longer has is taken off the list as well."""
    return answers.get(BLANKS) == "clear"


def starts_automations(answers: Mapping[str, str]) -> bool:
    """Whether new people start the list's automations."""
    return answers.get(AUTOMATIONS) in {"new", "returning"}


def restarts_automations(answers: Mapping[str, str]) -> bool:
    """Whether people who come back to the list start its automations from the beginning."""
    return answers.get(AUTOMATIONS) == "returning"


def _consent_to_track() -> Question:
    return _consent(
        CONSENT_TO_TRACK,
        _("Consent to track"),
        _("Whether Campaign Monitor may record who opens your mail and follows its links."),
        yes=_("Everyone in this export has agreed to be tracked."),
        no=_("Nobody in this export is tracked."),
        unchanged=_(
            "People whom Campaign Monitor knows keep the choice recorded there. "
            "For an address it has never seen, Campaign Monitor assumes consent."
        ),
    )


def _consent_to_send_sms() -> Question:
    return _consent(
        CONSENT_TO_SEND_SMS,
        _("Consent to send SMS"),
        _("Whether Campaign Monitor may send text messages to the mobile numbers of this export."),
        yes=_("Everyone in this export has agreed to text messages."),
        no=_("Nobody in this export gets text messages."),
        unchanged=_("The choice that Campaign Monitor has recorded stays."),
        with_field=MOBILE_KEY,
    )


def _consent(
    name: str, label: str, help_text: str, *, yes: str, no: str, unchanged: str, with_field: str = ""
) -> Question:
    """A consent that is the same for everyone, stays as it is, or is told by an attribute."""
    return Question(
        name=name,
        label=label,
        help_text=help_text,
        choices=[
            Choice("yes", _("Yes"), yes),
            Choice("no", _("No"), no),
            Choice("unchanged", _("Unchanged"), unchanged),
        ],
        attribute_help=_how_an_attribute_is_understood(),
        with_field=with_field,
    )


def _how_an_attribute_is_understood() -> str:
    return _(
        "Yes, y, true, on and 1 mean yes. Anything else, or nothing, means no. "
        "Where several profiles share an address, one no is enough."
    )


def _blanks() -> Question:
    return Question(
        name=BLANKS,
        label=_("Empty values"),
        help_text=_("What becomes of a value on the list when the profile has none."),
        choices=[
            Choice(
                "keep",
                _("Keep what is on the list"),
                _("Options that a person no longer has stay as well."),
            ),
            Choice(
                "clear",
                _("Clear it on the list"),
                _("Also a name, a mobile number, and options that a person no longer has."),
            ),
        ],
        default="keep",
        concerns=Concerns.BLANKS,
    )


def _automations() -> Question:
    return Question(
        name=AUTOMATIONS,
        label=_("Automations"),
        help_text=_("Whether being exported starts the journeys that Campaign Monitor sends to new subscribers."),
        choices=[
            Choice("off", _("Start none"), _("No automation mails anybody because of this export.")),
            Choice("new", _("New people start them"), _("Whoever is new to the list gets the first email.")),
            Choice(
                "returning",
                _("New and returning people start them"),
                _("Whoever comes back to the list starts from the beginning."),
            ),
        ],
        default="off",
        concerns=Concerns.NOBODY,
    )
