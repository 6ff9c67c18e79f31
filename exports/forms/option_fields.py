"""The destination's questions as fields of the pane's form: one with the answers, and, where an attribute may
answer for each person, one with the attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext as _

from connections.destinations.values import Question, attribute_of, by_attribute
from exports.state import run_settings
from segments.catalog import Attribute
from segments.models import AttributeType

ANSWER_PREFIX = "question_"
ATTRIBUTE_PREFIX = "attribute_for_"
# The choice that leaves the answer to an attribute.
FROM_ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class AskedQuestion:
    """A question as the pane shows it: its answers with what they mean, none for a menu; ``attributes`` where one
    may answer."""

    question: Question
    field: forms.BoundField
    options: Sequence[tuple[BoundWidget, str]]
    attributes: forms.BoundField | None

    @property
    def is_usual(self) -> bool:
        """Tell whether the question has its default answer."""
        return bool(self.question.default)


def can_answer(attribute: Attribute) -> bool:
    """Whether yes and no can be read from it."""
    return attribute.data_type in {AttributeType.BOOLEAN, AttributeType.TEXT}


def of(question: Question, attributes: Sequence[str]) -> dict[str, forms.Field]:
    """The question's fields by name; ``attributes`` are those that may answer it."""
    choices = [(choice.value, str(choice.label)) for choice in question.choices]
    if not question.attribute_help:
        return {f"{ANSWER_PREFIX}{question.name}": _answers(question, choices)}
    return {
        f"{ANSWER_PREFIX}{question.name}": _answers(
            question, [*choices, (FROM_ATTRIBUTE, _("From an attribute"))]
        ),
        f"{ATTRIBUTE_PREFIX}{question.name}": forms.ChoiceField(
            label=_("Attribute"),
            required=False,
            choices=[("", _("Choose an attribute")), *((name, name) for name in attributes)],
            widget=forms.Select(attrs={"aria-label": _("Attribute for “%s”") % question.label}),
        ),
    }


def _answers(question: Question, choices: Sequence[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=question.label,
        help_text=question.help_text,
        choices=choices,
        required=not question.default,
        initial=question.default or None,
        widget=forms.Select if question.is_menu else forms.RadioSelect,
    )


def shown(form: forms.Form, question: Question) -> AskedQuestion:
    """The question with its fields of ``form``."""
    field = form[f"{ANSWER_PREFIX}{question.name}"]
    if question.is_menu:
        return AskedQuestion(question, field, (), None)
    helps = [choice.help_text for choice in question.choices]
    if not question.attribute_help:
        return AskedQuestion(question, field, list(zip(field, helps, strict=True)), None)
    options = list(zip(field, [*helps, question.attribute_help], strict=True))
    return AskedQuestion(question, field, options, form[f"{ATTRIBUTE_PREFIX}{question.name}"])


def initial(answers: Mapping[str, str]) -> dict[str, str]:
    """Answers as the fields hold them."""
    values: dict[str, str] = {}
    for name, answer in answers.items():
        is_from_attribute = answer.startswith(by_attribute(""))
        values[f"{ANSWER_PREFIX}{name}"] = FROM_ATTRIBUTE if is_from_attribute else answer
        values[f"{ATTRIBUTE_PREFIX}{name}"] = attribute_of(answer)
    return values


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """The answers that were posted; one without its attribute yet is none."""
    answers = {}
    for posted, answer in data.items():
        if not posted.startswith(ANSWER_PREFIX):
            continue
        name = posted.removeprefix(ANSWER_PREFIX)
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
