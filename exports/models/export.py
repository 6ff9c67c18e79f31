"""ContactStatus orders."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.tags.models import Tagged
from config.platform.text.address_share import new_salt
from connections.models import Connection
from segments.models import Segment

# A percentage: at most half of the contacts.
LARGEST_CONTROL_GROUP = 50
NAME_CONSTRAINT = "export_name_is_unique"


class Removal(models.TextChoices):
    """What is done with subscribers who have left the segments."""

    LEAVE = "leave", _("Keep on the list")
    MARK = "mark", _("Set a field value")
    DELETE = "delete", _("Delete from the list")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribe")


class ControlMode(models.TextChoices):
    """What is done with the control group of an export."""

    OFF = "off", _("No control group")
    HOLD_OUT = "hold_out", _("Hold out")
    FIELD = "field", _("Write to a field")


class Export(Tagged):
    """A standing order: segments to a list, over a connection."""

    name = models.CharField(_("display name"), max_length=120)
    # None: “No connection”; the export keeps its settings and does not run.
    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.PROTECT, related_name="exports"
    )
    list_id = models.CharField(_("list ID"), max_length=64)
    # What the list was called, and how people get on it, when it was last looked up.
    list_title = models.CharField(max_length=200, blank=True)
    list_confirmed_opt_in = models.BooleanField(default=False)
    # The client that the list belongs to, which a run need not look for again; empty until it was looked up.
    list_group = models.CharField(max_length=64, blank=True)
    segments = models.ManyToManyField(Segment, related_name="exports", blank=True)
    email_attribute = models.CharField(_("Email"), max_length=120)
    # [{"attribute": "first_name", "field": "name"}, …], in the order of sending.
    mapping = models.JSONField(default=list)
    # Answers to the destination's questions, such as {"consent_to_track": "unchanged"}.
    answers = models.JSONField(default=dict)
    # Someone has ticked “Campaign Monitor will email N new people”.
    opt_in_mail_accepted = models.BooleanField(default=False)
    removal = models.CharField(max_length=12, choices=Removal.choices, default=Removal.LEAVE)
    mark_field = models.CharField(max_length=120, blank=True)
    mark_value = models.CharField(max_length=100, blank=True)
    # Who chose to unsubscribe people saw that this reaches all lists of the client.
    unsubscribes_everywhere = models.BooleanField(default=False)
    # A percentage of the contacts, selected by a hash of the salt and the address.
    control_mode = models.CharField(
        max_length=8, choices=ControlMode.choices, default=ControlMode.OFF, db_default=ControlMode.OFF
    )
    control_percentage = models.SmallIntegerField(default=0, db_default=0)
    control_field = models.CharField(max_length=120, blank=True, db_default="")
    control_salt = models.CharField(max_length=32, default=new_salt, editable=False)
    # Addresses that are told of its troubles, beside those who are told of everything.
    tell_also = ArrayField(models.EmailField(), default=list, blank=True)
    # A user has removed it; it is deleted once the contacts that it added are off their list.
    removal_asked_at = models.DateTimeField(null=True, blank=True)
    removal_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name=NAME_CONSTRAINT),
            models.CheckConstraint(
                condition=models.Q(control_percentage__gte=0, control_percentage__lte=LARGEST_CONTROL_GROUP),
                name="control_group_is_at_most_half",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_being_removed(self) -> bool:
        return self.removal_asked_at is not None
