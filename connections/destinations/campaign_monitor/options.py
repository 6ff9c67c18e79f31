"""Define the options of each export to Campaign Monitor, beside its list and fields, and read the answers."""

from collections.abc import Mapping, Sequence
from functools import cache

import phonenumbers
import pycountry
from django.utils.translation import gettext as _

from connections.destinations.values import Choice, Concerns, Question

CONSENT_TO_TRACK = "consent_to_track"
CONSENT_TO_SEND_SMS = "consent_to_send_sms"
BLANKS = "blanks"
UNUSABLE_VALUES = "unusable_values"
MOBILE_COUNTRY = "mobile_country"
SEPARATOR = "option_separator"
AUTOMATIONS = "automations"

MOBILE_KEY = "mobile_number"

_NO_COUNTRY = "none"
_SEPARATORS = {"semicolon": ";", "comma": ",", "bar": "|", "line": "\n"}


def all_questions() -> Sequence[Question]:
    """Return the questions in the order of asking."""
    return [
        _consent_to_track(),
        _consent_to_send_sms(),
        _unusable_values(),
        _mobile_country(),
        _separator(),
        _blanks(),
        _automations(),
    ]


def clears_blanks(answers: Mapping[str, str]) -> bool:
    """Tell whether a value that a profile no longer has is cleared on the list."""
    return answers.get(BLANKS) == "clear"


def excludes_unusable(answers: Mapping[str, str]) -> bool:
    """Tell whether a contact is excluded for a value that the list cannot hold, instead of being sent without
    it."""
    return answers.get(UNUSABLE_VALUES) == "exclude"


def country_of_numbers(answers: Mapping[str, str]) -> str | None:
    """Return the country of mobile numbers without + as ISO code; None where such numbers cannot be used."""
    answer = answers.get(MOBILE_COUNTRY, _NO_COUNTRY)
    return None if answer == _NO_COUNTRY else answer


def separator_of_options(answers: Mapping[str, str]) -> str | None:
    """Return the separator of options in one value; None where it is detected."""
    return _SEPARATORS.get(answers.get(SEPARATOR, ""))


def starts_automations(answers: Mapping[str, str]) -> bool:
    """Tell whether new subscribers start the list's automations."""
    return answers.get(AUTOMATIONS) in {"new", "returning"}


def restarts_automations(answers: Mapping[str, str]) -> bool:
    """Tell whether returning subscribers start the list's automations from the beginning."""
    return answers.get(AUTOMATIONS) == "returning"


def _consent_to_track() -> Question:
    return _consent(
        CONSENT_TO_TRACK,
        _("Consent to track"),
        _("Whether Campaign Monitor may track opens and link clicks."),
        yes=_("All contacts of this export have consented to tracking."),
        no=_("No contacts of this export are tracked."),
        unchanged=_(
            "Known subscribers keep the choice recorded in Campaign Monitor. For new subscribers, "
            "Campaign Monitor assumes consent."
        ),
    )


def _consent_to_send_sms() -> Question:
    return _consent(
        CONSENT_TO_SEND_SMS,
        _("Consent to send SMS"),
        _("Whether Campaign Monitor may send text messages to the mobile numbers of this export."),
        yes=_("All contacts of this export have consented to text messages."),
        no=_("No contacts of this export get text messages."),
        unchanged=_("The choice recorded in Campaign Monitor does not change."),
        with_field=MOBILE_KEY,
    )


def _consent(
    name: str, label: str, help_text: str, *, yes: str, no: str, unchanged: str, with_field: str = ""
) -> Question:
    """Build a question about consent: the same answer for all contacts, unchanged, or by an attribute."""
    return Question(
        name=name,
        label=label,
        help_text=help_text,
        choices=[
            Choice("yes", _("Yes"), yes),
            Choice("no", _("No"), no),
            Choice("unchanged", _("Unchanged"), unchanged),
        ],
        attribute_help=_(
            "Yes, y, true, on and 1 mean yes. Any other value, or no value, means no. If several "
            "profiles share an email, one no is enough."
        ),
        with_field=with_field,
    )


def _blanks() -> Question:
    return Question(
        name=BLANKS,
        label=_("Empty values"),
        help_text=_("What to do on the list when a profile value is empty."),
        choices=[
            Choice(
                "keep",
                _("Keep the value on the list"),
                _("Options that a profile no longer has are kept too."),
            ),
            Choice(
                "clear",
                _("Clear the value on the list"),
                _("Includes names, mobile numbers, and options that a profile no longer has."),
            ),
        ],
        default="keep",
        concerns=Concerns.BLANKS,
    )


def _unusable_values() -> Question:
    return Question(
        name=UNUSABLE_VALUES,
        label=_("Values that the list cannot hold"),
        help_text=_(
            "For example, a date out of range, a text that is too long, an option that the field "
            "does not have, or an incomplete mobile number. The run page counts and lists these "
            "contacts."
        ),
        choices=[
            Choice(
                "leave_out",
                _("Send the contact without the value"),
                _("The list keeps its current value."),
            ),
            Choice("exclude", _("Exclude the contact"), _("Nothing is sent for the contact.")),
        ],
        default="leave_out",
        concerns=Concerns.NONE,
    )


def _mobile_country() -> Question:
    return Question(
        name=MOBILE_COUNTRY,
        label=_("Country of mobile numbers"),
        help_text=_("For numbers that are written without + and the country code."),
        choices=[Choice(_NO_COUNTRY, _("None: numbers require + and the country code")), *_countries()],
        default=_NO_COUNTRY,
        with_field=MOBILE_KEY,
        is_menu=True,
    )


@cache
def _countries() -> Sequence[Choice]:
    """Return the countries that have telephone numbers, by name."""
    named = (pycountry.countries.get(alpha_2=code) for code in phonenumbers.SUPPORTED_REGIONS)
    found = [(getattr(country, "common_name", country.name), country.alpha_2) for country in named if country]
    dialed = phonenumbers.country_code_for_region
    return [Choice(code, f"{name} (+{dialed(code)})") for name, code in sorted(found)]


def _separator() -> Question:
    return Question(
        name=SEPARATOR,
        label=_("Separator of options"),
        help_text=_("For fields with several options, if one profile value contains several of them."),
        choices=[
            Choice("detect", _("Detect automatically")),
            Choice("semicolon", _("Semicolon")),
            Choice("comma", _("Comma")),
            Choice("bar", _("Vertical bar")),
            Choice("line", _("Line break")),
        ],
        default="detect",
        is_menu=True,
    )


def _automations() -> Question:
    return Question(
        name=AUTOMATIONS,
        label=_("Automations"),
        help_text=_("Whether this export triggers the journeys that Campaign Monitor sends to new subscribers."),
        choices=[
            Choice("off", _("Don't trigger"), _("This export triggers no automations.")),
            Choice("new", _("Trigger for new subscribers"), _("New subscribers get the first email.")),
            Choice(
                "returning",
                _("Trigger for new and returning subscribers"),
                _("Returning subscribers start from the beginning."),
            ),
        ],
        default="off",
        concerns=Concerns.NONE,
    )
