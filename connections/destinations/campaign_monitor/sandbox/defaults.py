"""What a fresh sandbox holds. The ids are fixed, so that files, demos and tests can name them."""

from connections.destinations.campaign_monitor.sandbox.model import UTC_ZONE, Client, CustomField, MailingList

API_KEY = "sandbox-api-key"
CLIENT_API_KEY = "sandbox-client-api-key"
CLIENT_ID = "c11e0000000000000000000000000001"
LIST_ID = "a1150000000000000000000000000001"
OWNER_EMAIL = "owner@example.com"
OWNER_NAME = "Sandbox Owner"
# For the consent page, when there is one.
OWNER_PASSWORD = "sandbox"  # noqa: S105 - a public password of a public sandbox
OAUTH_CLIENT_ID = 100001
OAUTH_CLIENT_SECRET = "sandbox-secret"  # noqa: S105


def client() -> Client:
    """The one client of the account."""
    return Client(
        id=CLIENT_ID,
        name="Sandbox client",
        country="Finland",
        time_zone=UTC_ZONE,
        api_key=CLIENT_API_KEY,
    )


def newsletter() -> MailingList:
    """Its one list."""
    types = {"City": "Text", "Country": "Text", "BirthDate": "Date", "Language": "Text"}
    fields = {
        str(number): CustomField(id=str(number), name=name, data_type=data_type, options=[])
        for number, (name, data_type) in enumerate(types.items(), start=1)
    }
    return MailingList(
        id=LIST_ID, client_id=CLIENT_ID, title="Newsletter", fields=fields, next_field=len(fields) + 1
    )
