"""Plan and apply the exports of a manifest: check their references, look up their lists where that is allowed,
and save them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import partial

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from config.console.manifest import connections as connection_entries
from config.console.manifest import control_groups, prune
from config.console.manifest.document import Lined, Problems
from config.console.manifest.run_after import apply_run_after, check_run_after
from config.console.manifest.specs import (
    ExportSpec,
    Specs,
    check_removal,
    report_line,
    what_changed,
    with_list_details,
    with_removal,
)
from connections import credentials, destinations
from connections.destinations.base import Destination
from connections.destinations.errors import DestinationError, PermanentError
from connections.destinations.values import (
    FieldMapping,
    ListDetails,
    ListOptIn,
    Question,
    attribute_of,
    by_attribute,
)
from connections.policies import why_it_cannot_run
from connections.vault import NotConnected
from exports import policies
from exports.actions import manage
from exports.actions.manage import ExportSettings
from exports.forms import alert_recipients, option_fields
from exports.models import Export
from exports.removal import list_cleanup
from exports.state import run_settings
from segments import catalog
from segments.models import Segment

# How the fields of ExportSettings are called in a file.
_IN_FILE = {"email_attribute": "email", "mapping": "fields", "list_confirmed_opt_in": "list_opt_in"}
_IN_FILE |= control_groups.IN_FILE


def find_segment(name: str) -> Segment | None:
    """Find a segment by name, whatever its case."""
    return Segment.objects.filter(name__iexact=name).first()


@dataclass(frozen=True)
class Desired:
    """An export as the file wants it, checked as far as that can be done before its connection is created."""

    spec: ExportSpec
    existing: Export | None


def plan(spec: ExportSpec, specs: Specs, problems: Problems) -> Desired:
    """Check an entry and return the export it asks for; problems are added to ``problems``."""
    existing = Export.objects.filter(name__iexact=spec.name).first()
    _check_segments(spec, specs, problems)
    _check_attributes(spec, problems)
    destination = _destination(spec.connection, specs, problems) if spec.connection else None
    if destination is not None:
        _check_answers(spec, existing, destination, problems)
        check_removal(spec.removal, existing, destination, problems)
    control_groups.check_control(spec.control, existing, problems)
    check_run_after(spec.run_after, [each.name for each in specs.exports], problems)
    _check_tell_also(spec, problems)
    return Desired(spec, existing)


def apply(desired: Desired, problems: Problems) -> str:
    """Create or update an export; a list that cannot be used is added to ``problems``."""
    existing = desired.existing
    before = _settings_of(existing) if existing else None
    settings = _settings(desired, before)
    settings, notes = _with_list(settings, desired.spec, problems)
    in_sandbox = bool(settings.connection and settings.connection.is_sandbox)
    changed: list[str] = []
    try:
        if existing is None or before is None:
            _apply_alerts_and_schedule(manage.create(settings, by=None), desired.spec, [])
        else:
            if changed := _differences(before, settings):
                notes += _contacts_left_behind(existing, settings)
                manage.edit(existing, settings, version=existing.version, by=None)
            _apply_alerts_and_schedule(existing, desired.spec, changed)
    except policies.Refusal as refusal:  # the limits of its connection hold for files too
        problems.add(desired.spec.line, refusal.sentence)
    change = what_changed(changed, created=existing is None)
    return report_line(_("export"), settings.name, change, notes, in_sandbox=in_sandbox)


def apply_triggers(planned: Sequence[Desired], problems: Problems) -> list[str]:
    """Save what the exports run after, once all of them are there. Returns a line for each that changed."""
    changes = {each.spec.name: apply_run_after(each.spec.name, each.spec.run_after, problems) for each in planned}
    return [report_line(_("export"), name, change) for name, change in changes.items() if change]


def _contacts_left_behind(export: Export, settings: ExportSettings) -> list[str]:
    """Count the contacts that stay on the list that an export leaves: a file removes none."""
    left = list_cleanup.left_by_moving(export, settings.connection, settings.list_id)
    if left is None:
        return []
    return [prune.contacts_that_stay(left.delivered_set)]


def _apply_alerts_and_schedule(export: Export, spec: ExportSpec, changed: list[str]) -> None:
    """Save alert addresses and the schedule, which have actions of their own; what that changes is added to
    ``changed``."""
    if spec.tell_also is not None:
        addresses = alert_recipients.clean_addresses(address for address, _line in spec.tell_also)
        if addresses != export.tell_also:
            manage.set_alert_recipients(export, addresses, version=export.version, by=None)
            changed.append("tell_also")
    if spec.schedule is not None:
        changed += spec.schedule.save_to(manage.schedule_of(export), partial(manage.set_schedule, export))


def _check_segments(spec: ExportSpec, specs: Specs, problems: Problems) -> None:
    in_file = {segment.name.casefold() for segment in specs.segments}
    seen: set[str] = set()
    for name, line in spec.segments:
        if name.casefold() in seen:
            problems.add(line, _("“%s” appears more than once.") % name)
        elif name.casefold() not in in_file and find_segment(name) is None:
            known = [segment.name for segment in specs.segments]
            problems.add(
                line,
                _("There is no segment “%s” in this file or in this installation.") % name + _hint(name, known),
            )
        seen.add(name.casefold())


def _check_tell_also(spec: ExportSpec, problems: Problems) -> None:
    for address, line in spec.tell_also or ():
        try:
            alert_recipients.clean_addresses([address])
        except ValidationError as error:
            problems.add(line, " ".join(error.messages))
    if len(spec.tell_also or ()) > alert_recipients.MAX_ADDRESSES:
        problems.add(spec.line, _("At most %(most)d addresses.") % {"most": alert_recipients.MAX_ADDRESSES})


def _check_attributes(spec: ExportSpec, problems: Problems) -> None:
    known = catalog.types_by_name()
    mapped = [(name, each.line) for each in (spec.fields or {}).values() for name in each.value.attributes]
    for name, line in [spec.email, *mapped]:
        if name not in known:
            sentence = _("Profiles have no attribute “%s”. Import profiles first.") if not known else _(
                "Profiles have no attribute “%s”."
            )  # fmt: skip
            problems.add(line, sentence % name + _hint(name, known))


def _destination(written: Lined, specs: Specs, problems: Problems) -> Destination | None:
    """Return the destination of the export's connection; None when there is no such connection, which is a
    problem."""
    name, line = written
    in_file = {connection.name.casefold(): connection.destination[0] for connection in specs.connections}
    existing = connection_entries.find(name)
    key = in_file.get(name.casefold()) or (existing.destination_key if existing else None)
    if key is None:
        known = [connection.name for connection in specs.connections]
        problems.add(
            line,
            _("There is no connection “%s” in this file or in this installation.") % name + _hint(name, known),
        )
        return None
    try:
        return destinations.get(key)
    except KeyError:  # said where the connection stands
        return None


def _check_answers(
    spec: ExportSpec, existing: Export | None, destination: Destination, problems: Problems
) -> None:
    questions = {question.name: question for question in destination.questions()}
    given = spec.answers or {}
    for name, (answer, line) in given.items():
        if name not in questions:
            problems.add(line, _("“%s” is not an option here.") % name + _hint(name, questions))
        elif not questions[name].takes(answer):
            problems.add(
                line,
                _("“%(name)s” must be one of: %(choices)s.")
                % {"name": name, "choices": _choices(questions[name])},
            )
        elif attribute := attribute_of(answer):
            _check_answering_attribute(attribute, line, problems)
    present = existing.answers if existing else {}
    for question in run_settings.asked(list(questions.values()), _mapping(spec, existing)):
        if question.name not in given and question.name not in present and not question.default:
            problems.add(
                spec.line,
                _("“answers: {%(name)s: …}” is missing. Choose one of: %(choices)s.")
                % {"name": question.name, "choices": _choices(question)},
            )


def _check_answering_attribute(attribute: str, line: int, problems: Problems) -> None:
    catalogue = {known.name: known for known in catalog.attributes()}
    if attribute not in catalogue:
        problems.add(line, _("Profiles have no attribute “%s”.") % attribute + _hint(attribute, catalogue))
    elif not option_fields.can_give_value(catalogue[attribute]):
        problems.add(line, _("“%s” is neither text nor yes/no, so it cannot be used here.") % attribute)


def _choices(question: Question) -> str:
    choices = [choice.value for choice in question.choices]
    return ", ".join([*choices, by_attribute("NAME")] if question.attribute_help else choices)


def _mapping(spec: ExportSpec, existing: Export | None) -> Sequence[Mapping[str, str]]:
    if spec.fields is None:
        return existing.mapping if existing else []
    return [
        FieldMapping(field.value.attribute, key, field.value.format).to_json()
        for key, field in spec.fields.items()
    ]


def _without_new_defaults(answers: Mapping[str, str], before: ExportSettings) -> dict[str, str]:
    """Leave out answers that are the default and were never given: they change nothing."""
    questions = before.connection.destination.questions() if before.connection else ()
    defaults = {each.name: each.default for each in questions}
    return {
        name: answer
        for name, answer in answers.items()
        if before.answers.get(name) or answer != defaults.get(name)
    }


def _settings(desired: Desired, before: ExportSettings | None) -> ExportSettings:
    """Return the settings that the export shall have: as the file says, else as they were."""
    spec = desired.spec
    mapping = _mapping(spec, desired.existing)
    answers = {name: answer for name, (answer, _line) in (spec.answers or {}).items()}
    from_file = ExportSettings(
        name=spec.name,
        connection=connection_entries.find(spec.connection[0]) if spec.connection else None,
        list_id=spec.list_id[0],
        email_attribute=spec.email[0],
        segments=[found for name, _line in spec.segments if (found := find_segment(name))],
        tags=_tags(spec, desired.existing),
        mapping=mapping,
        answers=answers,
    )
    from_file = with_removal(spec.removal, desired.existing, from_file)
    from_file = control_groups.with_control(spec.control, desired.existing, from_file)
    if before is None:
        return from_file
    same_list = before.list_id == from_file.list_id and before.connection == from_file.connection
    return replace(
        from_file,
        answers={**before.answers, **_without_new_defaults(answers, before)},
        list_title=before.list_title if same_list else "",
        list_confirmed_opt_in=before.list_confirmed_opt_in if same_list else False,
        list_group=before.list_group if same_list else "",
        # A person has accepted that people of this very list are emailed.
        opt_in_mail_accepted=before.opt_in_mail_accepted if same_list else False,
        unsubscribes_everywhere=_reaches_all_lists(before, from_file, same_list=same_list),
    )


def _tags(spec: ExportSpec, existing: Export | None) -> list[str]:
    if spec.tags is not None:
        return list(spec.tags)
    return existing.tags if existing else []


def _reaches_all_lists(before: ExportSettings, from_file: ExportSettings, *, same_list: bool) -> bool:
    """Return whether a user has agreed that this removal policy reaches all lists of the client."""
    return before.unsubscribes_everywhere and same_list and from_file.removal == before.removal


def _settings_of(export: Export) -> ExportSettings:
    plain = {
        field.name: getattr(export, field.name) for field in fields(ExportSettings) if field.name != "segments"
    }
    return ExportSettings(segments=list(export.segments.all()), **plain)


def _with_list(settings: ExportSettings, spec: ExportSpec, problems: Problems) -> tuple[ExportSettings, list[str]]:
    """Return the settings with the list's title and opt-in mode. A connection that may not be used yet is not
    asked."""
    connection = settings.connection
    if connection is None or why_it_cannot_run(connection) is not None:
        return settings, []
    try:
        details = connection.destination.list_details(credentials.access(connection), settings.list_id)
    except PermanentError as refused:
        problems.add(spec.list_id[1], refused.sentence)
        return settings, []
    except (DestinationError, NotConnected) as error:
        return settings, [_("The list could not be loaded: %s") % getattr(error, "sentence", error)]
    _check_fields(spec, details, problems)
    settings, notes = with_list_details(settings, spec.removal, details, problems)
    control_groups.check_field(settings, spec.control, details, problems)
    confirmed = details.opt_in == ListOptIn.CONFIRMED
    looked_up = replace(
        settings, list_title=details.title, list_confirmed_opt_in=confirmed, list_group=details.group_id
    )
    return looked_up, [*notes]


def _check_fields(spec: ExportSpec, details: ListDetails, problems: Problems) -> None:
    known = [field.key for field in details.fields]
    for key, field in (spec.fields or {}).items():
        if key not in known:
            problems.add(
                field.line,
                _("The list “%(list)s” has no field “%(key)s”. Available: %(known)s.")
                % {"list": details.title, "key": key, "known": ", ".join(known)},
            )


def _differences(before: ExportSettings, after: ExportSettings) -> list[str]:
    """Name what differs, as a file calls it."""
    changed = []
    for field in fields(ExportSettings):
        if field.name == "list_group":  # not in a file; a run finds it as well
            continue
        was, is_ = getattr(before, field.name), getattr(after, field.name)
        if field.name == "segments":
            was, is_ = _keys(was), _keys(is_)
        if was != is_:
            changed.append(_IN_FILE.get(field.name, field.name))
    return changed


def _keys(segments: Collection[Segment]) -> set[int]:
    return {segment.pk for segment in segments}


def _hint(name: str, known: Collection[str] | Mapping[str, object]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return _(" Did you mean “%s”?") % close[0] if close else ""
