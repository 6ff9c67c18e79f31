"""People as the API shows them."""

from typing import Any

from connections.destinations.campaign_monitor.sandbox.calls import Call
from connections.destinations.campaign_monitor.sandbox.model import MailingList, Person
from connections.destinations.campaign_monitor.sandbox.values import shown_values


def record(call: Call, mailing_list: MailingList, person: Person) -> dict[str, Any]:
    """One person as the list readers and the single read show them. Empty fields are absent."""
    shown: dict[str, Any] = {"EmailAddress": person.email, "Name": person.name}
    if call.tells_joined_date and person.mobile:
        shown["MobileNumber"] = person.mobile
    shown["Date"] = person.changed
    if call.tells_joined_date:
        shown["ListJoinedDate"] = person.joined
    shown |= {
        "State": person.state,
        "CustomFields": custom_fields(mailing_list, person),
        "ReadsEmailWith": "",
    }
    if _asks(call, "includetrackingpreference", "includetrackinginformation"):
        shown["ConsentToTrack"] = person.consent
    if person.mobile and _asks(call, "includesmspreference"):
        shown["ConsentToSendSms"] = person.sms
    return shown


def custom_fields(mailing_list: MailingList, person: Person) -> list[dict[str, str]]:
    """The values by the fields' plain names, one entry for each option chosen."""
    return [
        {"Key": field.name, "Value": value}
        for field in mailing_list.fields.values()
        if field.id in person.fields
        for value in shown_values(person.fields[field.id])
    ]


def _asks(call: Call, *flags: str) -> bool:
    return any(call.flag(each) for each in flags)
