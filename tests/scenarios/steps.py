"""What may happen to a list between runs: contacts come, change and go, time passes, exports are changed."""

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from tests.scenarios.failing_workers import HeldWorker, Requests, Trouble
from tests.scenarios.model import (
    ACTIVE,
    BOUNCED,
    DELETE,
    DELETED,
    LEAVE,
    MARK,
    NEVER_THERE,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    Contact,
    ExportModel,
    ListModel,
    Memory,
    Origin,
)
from tests.scenarios.stage import Stage
from tests.support.sandbox import RunningSandbox

EMAILS = [f"p{number}@example.com" for number in range(10)]
FIELDS = (("name",), ("city",), ("name", "city"))
REMOVALS = (LEAVE, MARK, DELETE, DELETE, UNSUBSCRIBE)
_PREFERRED = 0.5
_WITHIN_LATE_WINDOW = timedelta(seconds=30)
_PAUSES = (timedelta(seconds=20), timedelta(hours=1), timedelta(days=3))


class Steps:
    """A list with exports, and the steps that happen to it, each told to the product and to the model."""

    def __init__(self, sandbox: RunningSandbox, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        scope = self.chance.choice(("OnlyThisList", "AllClientLists"))
        self.stage = Stage(sandbox, EMAILS, scope=scope)
        self.model = ListModel(EMAILS, minds_suppressions=scope == "AllClientLists")
        self.model.profiles = {email: {"name": "A", "city": "A"} for email in EMAILS}
        self.requests = Requests()
        self.held: list[tuple[int, HeldWorker]] = []
        self.inactive: set[int] = set()
        self.was_disturbed = False
        self.story: list[str] = []
        self.numbers = 0
        self.tell(f"The list has the setting {scope}.")
        for _export in range(self.chance.choice((2, 3))):
            self.add_export()

    def add_export(self) -> None:
        self.numbers += 1
        members = set(self.chance.sample(EMAILS, self.chance.randint(4, 8)))
        model = ExportModel(
            self.numbers,
            self.chance.choice(FIELDS),
            self.chance.choice(REMOVALS),
            resubscribes=self.chance.random() < 0.3,
            members=members,
        )
        self.tell(
            f"Export {model.number} is set up: it sends {', '.join(model.fields)} of {short(members)};"
            f" contacts who leave: {model.removal}."
        )
        self.model.exports[model.number] = model
        self.stage.add_export(model)

    def a_contact_joins(self) -> None:
        export = self.an_export()
        email = self.an_email(lambda contact: contact.deleted_by_us != Memory.NO)
        self.join(export, email)

    def join(self, export: ExportModel, email: str) -> None:
        self.tell(f"{email} joins the segment of export {export.number}.")
        export.members.add(email)
        self.stage.join(export, email)

    def a_contact_leaves(self) -> None:
        export = self.an_export()
        email = self.an_email(
            lambda contact: contact.origin == Origin.THEMSELVES_AGAIN, sorted(export.members) or EMAILS
        )
        self.leave(export, email)

    def leave(self, export: ExportModel, email: str) -> None:
        self.tell(f"{email} leaves the segment of export {export.number}.")
        export.members.discard(email)
        self.stage.leave(export, email)

    def a_profile_changes(self) -> None:
        self.change(self.an_email(), self.chance.choice(("name", "city")))

    def change(self, email: str, attribute: str) -> None:
        value = self.chance.choice("ABCDEFGH")
        self.tell(f"{email} has the {attribute} {value} from now on.")
        self.model.profiles[email][attribute] = value
        self.stage.change(email, "first_name" if attribute == "name" else attribute, value)

    def a_contact_of_a_held_request_changes(self) -> None:
        """What a request in hand says is no longer so when it reaches the list."""
        number, worker = self.chance.choice(self.held)
        if not worker.request.rows or number not in self.model.exports:
            return
        export, email = self.model.exports[number], self.chance.choice(sorted(worker.request.rows))
        if worker.request.what == "import" and self.chance.random() < 0.6:
            self.change(email, self.chance.choice(export.fields))
        elif email in export.members:
            self.leave(export, email)
        else:
            self.join(export, email)

    def a_segment_is_cut(self) -> None:
        export = self.an_export()
        members = sorted(export.members)
        gone = members if self.chance.random() < 0.5 else self.chance.sample(members, (len(members) + 1) // 2)
        self.tell(f"{short(gone)} leave the segment of export {export.number} at once.")
        export.members.difference_update(gone)
        self.stage.leave(export, *gone)

    def a_contact_signs_up(self) -> None:
        self.sign_up(self.an_email(lambda contact: contact.record.state not in {ACTIVE, NEVER_THERE}))

    def sign_up(self, email: str) -> None:
        self.pass_time(timedelta(hours=1))
        self.tell(f"{email} signs up at the vendor.")
        self.stage.suppress(email, is_suppressed=False)
        if self.model.contacts[email].record.state != ACTIVE:
            self.stage.vendor(email, ACTIVE)
        self.model.signs_up(email)
        self.pass_time(timedelta(hours=1))

    def a_contact_of_ours_signs_up_again_and_leaves(self) -> None:
        """An active contact that an export has added is lost at the vendor, signs up there again, and leaves all
        segments: nothing in between tells an export."""
        ours = [
            email
            for email in EMAILS
            if self.model.contacts[email].record.state == ACTIVE
            and self.model.contacts[email].origin == Origin.OURS
        ]
        if not ours:
            return
        email, state = self.chance.choice(ours), self.chance.choice((UNSUBSCRIBED, BOUNCED, DELETED))
        self.lose(email, state)
        self.sign_up(email)
        for number in sorted(self.model.exports):
            if email in self.model.exports[number].members:
                self.leave(self.model.exports[number], email)

    def a_contact_is_lost(self) -> None:
        active = [email for email in EMAILS if self.model.contacts[email].record.state == ACTIVE]
        if not active:
            return
        email = self.an_email(lambda contact: contact.deleted_by_us != Memory.NO, active)
        self.lose(email, self.chance.choice((UNSUBSCRIBED, BOUNCED, DELETED)))

    def lose(self, email: str, state: str) -> None:
        self.tell(f"{email} is {state} at the vendor.")
        self.stage.vendor(email, state)
        self.model.leaves(email, state)

    def a_contact_is_suppressed(self) -> None:
        email = self.an_email()
        if self.model.contacts[email].record.state == NEVER_THERE:
            return
        self.tell(f"{email} is put on the suppression list.")
        self.stage.suppress(email, is_suppressed=True)
        self.model.contacts[email].is_suppressed = True

    def time_passes(self) -> None:
        self.pass_time(self.chance.choice(_PAUSES))

    def a_policy_changes(self) -> None:
        export = self.an_export()
        export.removal = self.chance.choice(REMOVALS)
        self.tell(f"Export {export.number} does this with contacts who leave: {export.removal}.")
        self.stage.choose_removal(export)

    def a_control_group_changes(self) -> None:
        export, percentage = self.an_export(), self.chance.choice((0, 20, 50))
        export.held_out = {email for email in EMAILS if _position(export, email) < percentage}
        self.tell(f"Export {export.number} holds out {percentage} %: {short(export.held_out)}.")
        self.stage.hold_out(export, percentage, salt_of(export))

    def an_export_is_deactivated_or_activated(self) -> None:
        export = self.an_export()
        if export.number in self.inactive:
            self.tell(f"Export {export.number} is active again.")
            self.inactive.discard(export.number)
            self.stage.activate(export)
        else:
            self.tell(f"Export {export.number} is deactivated.")
            self.inactive.add(export.number)
            self.stage.deactivate(export)

    def pass_time(self, duration: timedelta, *, lands_late: bool = True) -> None:
        """A request of a worker that has died lands before its answer could no longer be waited for."""
        if lands_late and duration > _WITHIN_LATE_WINDOW:
            for found in [each for each in self.held if each[1].trouble == Trouble.DIES_AND_LANDS_LATE]:
                self.held.remove(found)
                number, worker = found
                self.tell(f"The request of run {worker.run.number} of export {number} reaches the list.")
                worker.go_on()
                self.model.land(number, worker.request)
        self.tell(f"{duration} pass.")
        self.stage.let_pass(duration)

    def an_export(self) -> ExportModel:
        return self.chance.choice([self.model.exports[number] for number in sorted(self.model.exports)])

    def an_email(
        self, is_preferred: Callable[[Contact], bool] | None = None, among: Sequence[str] = EMAILS
    ) -> str:
        """One of the addresses; often one that is preferred, since more depends on what happens to it."""
        if is_preferred and self.chance.random() < _PREFERRED:
            among = [email for email in among if is_preferred(self.model.contacts[email])] or among
        return self.chance.choice(among)

    def tell(self, sentence: str) -> None:
        self.story.append(sentence)


def salt_of(export: ExportModel) -> str:
    return f"{export.number:02x}"


def _position(export: ExportModel, email: str) -> float:
    """Where an address lies among all, from 0 to 100, by a hash as the product defines it."""
    digest = hashlib.md5(f"{salt_of(export)}{email}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4]) * 100 / 2**32


def short(emails: Iterable[str]) -> str:
    return ", ".join(email.partition("@")[0] for email in sorted(emails))
