"""What was chosen in answer to a destination's questions, in words."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from connections.destinations.values import Question, attribute_of
from exports.state import snapshot


def in_words(
    questions: Sequence[Question], answers: Mapping[str, str], mapping: Sequence[Mapping[str, str]]
) -> list[tuple[str, str]]:
    """Each question that is asked, with its answer; a dash where there is none."""
    settled = snapshot.settled(answers, questions, mapping)
    return [
        (str(question.label), _said(question, settled[question.name]))
        for question in snapshot.asked(questions, mapping)
    ]


def _said(question: Question, answer: str) -> str:
    if name := attribute_of(answer):
        return _("From the attribute “%(attribute)s”") % {"attribute": name}
    labels = {choice.value: str(choice.label) for choice in question.choices}
    return labels.get(answer, answer or "–")
