"""Show the options of a destination as fields of the export form: one with the choices and, where an attribute may
give the value for each contact, one with the attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext as _

from connections.destinations.values import Question, attribute_of, by_attribute
from exports.state import run_settings
from segments.catalog import Attribute
from segments.models import AttributeType

OPTION_PREFIX = "question_"
ATTRIBUTE_PREFIX = "attribute_for_"
# The choice that leaves the answer to an attribute.
FROM_ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class ExportOption:
    """An option as the pane shows it: its choices with what they mean, none for a menu; ``attributes`` where one
    may give the value."""

    question: Question
    field: forms.BoundField
    choices: Sequence[tuple[BoundWidget, str]]
    attributes: forms.BoundField | None

    @property
    def has_default(self) -> bool:
        """Tell whether the question has its default answer."""
        return bool(self.question.default)


def can_give_value(attribute: Attribute) -> bool:
    """Whether yes and no can be read from it."""
    return attribute.data_type in {AttributeType.BOOLEAN, AttributeType.TEXT}


def fields_of(question: Question, attributes: Sequence[str]) -> dict[str, forms.Field]:
    """The question's fields by name; ``attributes`` are those that may answer it."""
    choices = [(choice.value, str(choice.label)) for choice in question.choices]
    if not question.attribute_help:
        return {f"{OPTION_PREFIX}{question.name}": _choice_field(question, choices)}
    return {
        f"{OPTION_PREFIX}{question.name}": _choice_field(
            question, [*choices, (FROM_ATTRIBUTE, _("From an attribute"))]
        ),
        f"{ATTRIBUTE_PREFIX}{question.name}": forms.ChoiceField(
            label=_("Attribute"),
            required=False,
            choices=[("", _("Choose an attribute")), *((name, name) for name in attributes)],
            widget=forms.Select(attrs={"aria-label": _("Attribute for “%s”") % question.label}),
        ),
    }


def _choice_field(question: Question, choices: Sequence[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=question.label,
        help_text=question.help_text,
        choices=choices,
        required=not question.default,
        initial=question.default or None,
        widget=forms.Select if question.is_menu else forms.RadioSelect,
    )


def option_with_fields(form: forms.Form, question: Question) -> ExportOption:
    """The question with its fields of ``form``."""
    field = form[f"{OPTION_PREFIX}{question.name}"]
    if question.is_menu:
        return ExportOption(question, field, (), None)
    helps = [choice.help_text for choice in question.choices]
    if not question.attribute_help:
        return ExportOption(question, field, list(zip(field, helps, strict=True)), None)
    choices = list(zip(field, [*helps, question.attribute_help], strict=True))
    return ExportOption(question, field, choices, form[f"{ATTRIBUTE_PREFIX}{question.name}"])


def initial(answers: Mapping[str, str]) -> dict[str, str]:
    """Answers as the fields hold them."""
    values: dict[str, str] = {}
    for name, answer in answers.items():
        is_from_attribute = answer.startswith(by_attribute(""))
        values[f"{OPTION_PREFIX}{name}"] = FROM_ATTRIBUTE if is_from_attribute else answer
        values[f"{ATTRIBUTE_PREFIX}{name}"] = attribute_of(answer)
    return values


def read_typed(data: Mapping[str, str]) -> dict[str, str]:
    """The answers that were posted; one without its attribute yet is none."""
    answers = {}
    for posted, answer in data.items():
        if not posted.startswith(OPTION_PREFIX):
            continue
        name = posted.removeprefix(OPTION_PREFIX)
        chosen = data.get(f"{ATTRIBUTE_PREFIX}{name}", "")
        answers[name] = by_attribute(chosen) if answer == FROM_ATTRIBUTE else answer
    return answers


def lacks_attribute(answer: str) -> bool:
    """Tell whether an attribute shall answer and none was chosen."""
    return answer == by_attribute("")


def in_words(
    questions: Sequence[Question], answers: Mapping[str, str], mapping: Sequence[Mapping[str, str]]
) -> list[tuple[str, str]]:
    """Return each option that applies, with what was chosen; a dash where nothing was."""
    settled = run_settings.settled(answers, questions, mapping)
    return [
        (str(question.label), _in_words(question, settled[question.name]))
        for question in run_settings.asked(questions, mapping)
    ]


def _in_words(question: Question, answer: str) -> str:
    if name := attribute_of(answer):
        return _("From the attribute “%(attribute)s”") % {"attribute": name}
    labels = {choice.value: str(choice.label) for choice in question.choices}
    return labels.get(answer, answer or "–")
