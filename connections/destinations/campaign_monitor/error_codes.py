"""Map the codes of Campaign Monitor to sentences that say what to do; the table with a code says which error or
refusal it leads to. Pure data.

The same status (400, 401) stands for very different things, so only codes count.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Sentences = Mapping[int, str | Promise]

PARTIAL_FAILURE = 210
THROTTLED = 429
NOT_FOUND = 404
CONSENT_MISSING = 214
DELETED = 205
ON_SUPPRESSION_LIST = 204
UNAUTHORIZED = 401
FORBIDDEN = 403
PROXY_AUTHENTICATION = 407
TOO_LARGE = 413
PAYMENT_REQUIRED = 402
TOKEN_EXPIRED = 121
# Of one person: the same row may be taken later.
RETRYABLE = frozenset({THROTTLED, 500})
# Not on the list, or not an address that a list could hold.
NOT_ON_LIST = frozenset({1, 203})
TOKEN_REFUSED = frozenset({120, TOKEN_EXPIRED, 122})

# -- one contact, which the list keeps unchanged ---------------------------------------------------------------
SUPPRESSED: Sentences = {
    204: _(
        "This email is on the suppression list in Campaign Monitor. If the subscriber asks for "
        "your emails again, remove the email from the suppression list there."
    ),
    205: _(
        "This subscriber was deleted from the list in Campaign Monitor. If that was a mistake, "
        "add the subscriber to the list again there."
    ),
    206: _(
        "This subscriber has unsubscribed from the list. Only the subscriber can change that, "
        "for example by signing up again."
    ),
    207: _(
        "Emails to this address bounced, so Campaign Monitor no longer sends to it. Check the "
        "address. If it is correct, reactivate the subscriber in Campaign Monitor."
    ),
    208: _(
        "This subscriber has not confirmed the subscription yet. The subscriber becomes active "
        "after following the link in the confirmation email."
    ),
}

# -- one person, who is refused --------------------------------------------------------------------------------
_NO_CONSENT = _(
    "Campaign Monitor did not receive the consent to track for this contact. Choose “Consent "
    "to track” in the settings of the export, then run it again."
)
REJECTED: Sentences = {
    1: _(
        "Campaign Monitor does not accept this email. Fix the source data. Accented letters "
        "before the @ are not accepted."
    ),
    214: _NO_CONSENT,
    -213: _NO_CONSENT,
    215: _NO_CONSENT,
    220: _(
        "Campaign Monitor does not accept the mobile number of this contact. Write it with + and the country code."
    ),
    221: _("Campaign Monitor accepts neither the mobile number nor the email of this contact. Fix both."),
}

# No code is published for an account that is full, so it is known by its words.
PLAN_WORDS = ("your plan", "plan limit", "subscriber limit", "contact limit", "upgrade your")
PLAN_FULL = _(
    "The plan of the Campaign Monitor account allows no more subscribers: “{message}”. "
    "Upgrade the plan there, or send fewer contacts."
)

# -- a whole batch, because of something in it -----------------------------------------------------------------
BATCH: Sentences = {
    400: _(
        "Campaign Monitor could not read a batch because of one of its contacts. The batch is "
        "split until the contact is found."
    ),
    209: _("A batch had more contacts than Campaign Monitor accepts at once. The batch is split and sent again."),
    PARTIAL_FAILURE: _(
        "Campaign Monitor rejected some contacts of a batch without saying which. The batch is "
        "split until they are found."
    ),
    212: _("Campaign Monitor received a batch without contacts."),
}

# -- nothing of this run can succeed ---------------------------------------------------------------------------
_NO_SUCH_LIST = _(
    "Campaign Monitor does not have this list, or it belongs to another account. Check the "
    "Campaign Monitor List ID of the export."
)
_FIELD_GONE = _(
    "The list in Campaign Monitor no longer has one of the fields of this export. Edit the "
    "export, choose the fields again and save."
)
_LIST_SETTINGS = _(
    "Campaign Monitor refused the request because of the list settings. Check the list in Campaign Monitor."
)
STOP: Sentences = {
    101: _NO_SUCH_LIST,
    102: _NO_SUCH_LIST,
    NOT_FOUND: _NO_SUCH_LIST,
    253: _FIELD_GONE,
    254: _FIELD_GONE,
    **dict.fromkeys((250, 251, 252, 255, 256, 257, 258, 259, 260, 261), _LIST_SETTINGS),
}

# -- a field that is to be made or changed ---------------------------------------------------------------------
FIELDS: Sentences = {
    253: _("The list in Campaign Monitor no longer has this field. Reload the list."),
    254: _("Campaign Monitor does not accept this field name. Field names have 1 to 100 characters."),
    255: _("The list in Campaign Monitor already has a field with this name. Choose it in this row."),
    256: _("Campaign Monitor accepts no options for this field type."),
    257: _("Campaign Monitor requires at least one option for this field type."),
    258: _("Campaign Monitor does not accept these options. Create the field there."),
    259: _("Campaign Monitor does not support this field type. Choose another one."),
}

# -- the connection has to be fixed first ---------------------------------------------------------------------
_RECONNECT = _(
    "Campaign Monitor no longer accepts the authorization of this connection. An "
    "administrator has to authenticate with Campaign Monitor again."
)
ADMINISTRATOR: Sentences = {
    60: _(
        "The credentials of this connection lack a required permission. An administrator has to "
        "authenticate with Campaign Monitor again and grant it."
    ),
    100: _(
        "Campaign Monitor does not accept the API key. Copy it again from Account settings, API "
        "keys, in Campaign Monitor, then authenticate again."
    ),
    120: _RECONNECT,
    121: _RECONNECT,
    122: _RECONNECT,
    403: _(
        "The account of this connection has no permission for this in Campaign Monitor. An "
        "administrator has to authenticate with the key of an authorized account."
    ),
}

# -- temporary. Pages ask once and runs retry, so that none of these sentences promises a retry ------------------
BUSY = _("Campaign Monitor asked for fewer requests.")
BROKEN = _("Campaign Monitor reported an internal error.")
UNREADABLE = _("The response of Campaign Monitor was incomplete or could not be read.")
UNREACHABLE = _("Campaign Monitor cannot be reached. Check that this server can connect to {host}.")
SLOW = _("Campaign Monitor did not respond in time.")
# An answer that Campaign Monitor did not write.
NOT_FROM_VENDOR = _("HTTP {status}, not from Campaign Monitor: {culprit}")
REDIRECTED = _("a system between this server and Campaign Monitor redirects requests.")
PROXY_SIGN_IN = _("a proxy requires authentication.")
PROXY_OR_FIREWALL = _("a proxy or firewall responded.")
SIGN_IN_PAGE = _("a web page responded, such as the sign-in page of a network.")
