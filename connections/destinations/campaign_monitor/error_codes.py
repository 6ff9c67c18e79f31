"""Map the codes of Campaign Monitor to errors and to sentences that say what to do.

The same status (400, 401) stands for very different things, so only codes are looked at. The table that holds a
code says which error or refusal it leads to. Pure data.
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

# -- one person, whom the list keeps as they are ---------------------------------------------------------------
LEFT: Sentences = {
    204: _(
        "This address is on the suppression list in Campaign Monitor, so it stays off the list. "
        "If the person asks for your mail again, remove the address from the suppression list there."
    ),
    205: _(
        "This person was deleted from the list in Campaign Monitor and stays deleted. "
        "If that was a mistake, add them to the list again there."
    ),
    206: _(
        "This person has unsubscribed from the list and stays unsubscribed. "
        "Only the person can change that, for example by signing up again."
    ),
    207: _(
        "Mail to this address came back, so Campaign Monitor no longer sends to it. "
        "Check the address; if it is right, reactivate the person in Campaign Monitor."
    ),
    208: _(
        "This person has not confirmed the subscription yet. "
        "They become active once they follow the link in the confirmation email."
    ),
}

# -- one person, who is refused --------------------------------------------------------------------------------
_NO_CONSENT = _(
    "Campaign Monitor did not learn whether this person consents to tracking. "
    "Choose “Consent to track” in the export’s settings and run it again."
)
REJECTED: Sentences = {
    1: _(
        "Campaign Monitor does not accept this email address. Correct it where the profile comes from; "
        "letters with accents before the @ are not accepted."
    ),
    214: _NO_CONSENT,
    -213: _NO_CONSENT,
    215: _NO_CONSENT,
    220: _("Campaign Monitor does not accept this person’s mobile number. Write it with + and the country code."),
    221: _(
        "Campaign Monitor accepts neither the mobile number nor the email address of this person. Correct both."
    ),
}

# No code is published for an account that is full, so it is known by its words.
PLAN_WORDS = ("your plan", "plan limit", "subscriber limit", "contact limit", "upgrade your")
PLAN_FULL = _(
    "Campaign Monitor says that the account’s plan holds no more people: “{message}”. "
    "Upgrade the plan there, or send fewer people."
)

# -- a whole batch, because of something in it -----------------------------------------------------------------
BATCH: Sentences = {
    400: _(
        "Campaign Monitor could not read a batch because of something in it. "
        "The batch is divided until the profile that causes it is found."
    ),
    209: _("A batch held more people than Campaign Monitor takes at once. It is divided and sent again."),
    PARTIAL_FAILURE: _(
        "Campaign Monitor refused some people of a batch without saying whom. "
        "The batch is divided until they are found."
    ),
    212: _("Campaign Monitor received a batch without people in it."),
}

# -- nothing of this run can succeed ---------------------------------------------------------------------------
_NO_SUCH_LIST = _(
    "Campaign Monitor does not know this list, or it belongs to another account. "
    "Check the Campaign Monitor List ID in the export’s settings."
)
_FIELD_GONE = _(
    "The list in Campaign Monitor no longer has one of the fields that this export fills. "
    "Open the export, choose the fields again and save."
)
_LIST_SETTINGS = _(
    "Campaign Monitor refused the request because of how the list is set up. Check the list in Campaign Monitor."
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
    253: _("The list in Campaign Monitor no longer has this field. Look the list up again."),
    254: _("Campaign Monitor does not accept this name for a field: it has 1 to 100 characters."),
    255: _("The list in Campaign Monitor has a field by this name already. Choose it in this row."),
    256: _("Campaign Monitor takes no options for a field of this type."),
    257: _("Campaign Monitor wants at least one option for a field of this type."),
    258: _("Campaign Monitor does not accept these options. Make the field there."),
    259: _("Campaign Monitor does not know this type of field. Choose another one."),
}

# -- the connection has to be mended first ---------------------------------------------------------------------
_RECONNECT = _(
    "Campaign Monitor no longer accepts the sign-in of this connection. "
    "An administrator has to authenticate with Campaign Monitor again."
)
ADMINISTRATOR: Sentences = {
    60: _(
        "The credentials of this connection lack a right that exports need. "
        "An administrator has to authenticate with Campaign Monitor again and grant it."
    ),
    100: _(
        "Campaign Monitor does not accept the API key. Copy it again from Account settings, API keys, "
        "in Campaign Monitor, and authenticate with it."
    ),
    120: _RECONNECT,
    121: _RECONNECT,
    122: _RECONNECT,
    403: _(
        "The account behind this connection may not do this in Campaign Monitor. "
        "An administrator has to authenticate with the key of an account that may."
    ),
}

# -- temporary. Pages ask once and runs retry, so that none of these sentences promises a retry ------------------
BUSY = _("Campaign Monitor asks for fewer requests.")
BROKEN = _("Campaign Monitor reports a problem on its side.")
UNREADABLE = _("Campaign Monitor’s answer was cut short or could not be read.")
UNREACHABLE = _("Campaign Monitor cannot be reached. Check that this server may open connections to {host}.")
SLOW = _("Campaign Monitor did not answer in time.")
# An answer that Campaign Monitor did not write.
NOT_FROM_VENDOR = _("HTTP {status}, and not from Campaign Monitor: {culprit}")
REDIRECTED = _("something between this server and Campaign Monitor redirects requests.")
PROXY_SIGN_IN = _("a proxy asks for a sign-in.")
PROXY_OR_FIREWALL = _("a proxy or firewall answered.")
SIGN_IN_PAGE = _("a web page answered, such as the sign-in page of a network.")
