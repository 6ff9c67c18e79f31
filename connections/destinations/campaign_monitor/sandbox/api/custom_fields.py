"""The custom fields of a list."""

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.calls import Body, Call
from connections.destinations.campaign_monitor.sandbox.model import CustomField, MailingList
from connections.destinations.campaign_monitor.sandbox.routes import LISTS, route
from connections.destinations.campaign_monitor.sandbox.values import (
    DATA_TYPES,
    LONGEST_NAME,
    WITH_OPTIONS,
    options_of,
)


@route("GET", "/lists/<list>/customfields")
def custom_fields(_call: Call, mailing_list: MailingList) -> Answer:
    return Answer(
        value=[
            {
                "FieldName": field.name,
                "Key": field.key,
                "DataType": field.data_type,
                "FieldOptions": options_of(field),
                "VisibleInPreferenceCenter": field.visible,
            }
            for field in mailing_list.fields.values()
        ]
    )


@route("POST", "/lists/<list>/customfields", scopes=LISTS)
def create(call: Call, mailing_list: MailingList) -> Answer:
    """A new field; answers its key."""
    body = Body.of(call, "customField")
    name = _free_name(mailing_list, body)
    data_type = next((each for each in DATA_TYPES if each.lower() == body.text("DataType").lower()), "")
    options = _distinct(body.texts("Options"))
    if not data_type:
        raise ApiError(259)
    if data_type not in WITH_OPTIONS and options:
        raise ApiError(256)
    if data_type in WITH_OPTIONS and not options:
        raise ApiError(257)
    field = CustomField(
        id=str(mailing_list.next_field),
        name=name,
        data_type=data_type,
        options=options,
        visible=body.flag("VisibleInPreferenceCenter", True),
    )
    mailing_list.next_field += 1
    mailing_list.fields[field.id] = field
    _keep(call, mailing_list)
    return Answer(201, field.key)


@route("PUT", "/lists/<list>/customfields/<key>", scopes=LISTS)
def rename(call: Call, mailing_list: MailingList, key: str) -> Answer:
    """Another name, hence another key, which is the answer."""
    field = _field(mailing_list, key)
    body = Body.of(call, "customField")
    field.name = _free_name(mailing_list, body, other_than=field)
    field.visible = body.flag("VisibleInPreferenceCenter", field.visible)
    _keep(call, mailing_list)
    return Answer(value=field.key)


@route("PUT", "/lists/<list>/customfields/<key>/options", scopes=LISTS)
def update_options(call: Call, mailing_list: MailingList, key: str) -> Answer:
    """Other options, or more of them. What people chose before stays on them."""
    field = _field(mailing_list, key)
    body = Body.of(call, "customField")
    options = body.texts("Options")
    if field.data_type not in WITH_OPTIONS:
        raise ApiError(256)
    if body.flag("KeepExistingOptions"):
        options = [*field.options, *options]
    if not options:
        raise ApiError(257)
    field.options = _distinct(options)
    _keep(call, mailing_list)
    return Answer()


@route("DELETE", "/lists/<list>/customfields/<key>", scopes=LISTS)
def delete(call: Call, mailing_list: MailingList, key: str) -> Answer:
    """The field, with everybody's value for it."""
    del mailing_list.fields[_field(mailing_list, key).id]
    _keep(call, mailing_list)
    return Answer()


def _field(mailing_list: MailingList, key: str) -> CustomField:
    """The field by its key; in a path the brackets are required."""
    bracketed = key.startswith("[") and key.endswith("]")
    field = mailing_list.field_by_key(key) if bracketed else None
    if field is None:
        raise ApiError(253)
    return field


def _free_name(mailing_list: MailingList, body: Body, other_than: CustomField | None = None) -> str:
    name = body.text("FieldName").strip()
    if not name or len(name) > LONGEST_NAME:
        raise ApiError(254)
    taken = mailing_list.field_by_key(name)
    if taken is not None and taken is not other_than:
        raise ApiError(255)
    return name


def _distinct(options: list[str]) -> list[str]:
    return list(dict.fromkeys(option.strip() for option in options if option.strip()))


def _keep(call: Call, mailing_list: MailingList) -> None:
    mailing_list.forget_spellings()
    with call.store.change() as change:
        change.list(mailing_list)
