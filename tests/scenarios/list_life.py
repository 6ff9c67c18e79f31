"""The life of a list: subscribers and exports act at random, webhooks get lost, come twice, late or forged.

The list of the sandbox is the model: what it holds decides which contacts may be sent.
"""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client

from config.platform.jobs import clock
from exports.feedback import comparison, look, watches, webhooks
from exports.models import Export, ListComparison, ListState, ListWatch, SubscriberStatus
from tests.integration.exports.conftest import run_to_its_end
from tests.support.profiles import change_profile, get_profile
from tests.support.sandbox import RunningSandbox

ACTIVE, INACTIVE = "Active", ("Unsubscribed", "Bounced", "Deleted")


class ListLife:
    """One list with an export to it, and its people by address."""

    def __init__(self, seed: int, sandbox: RunningSandbox, export: Export, emails: list[str]) -> None:
        self.chance = random.Random(seed)
        self.sandbox, self.export, self.emails = sandbox, export, emails
        self.list_id = export.list_id
        self.strangers = [f"stranger{number}@example.com" for number in range(3)]
        self.pending: list[dict[str, Any]] = []
        self.steps: list[str] = []
        # Who left the list, as far as a look has read it since.
        self.known_to_be_gone: set[str] = set()
        watches.make_missing()
        webhooks.update_wanted()
        for webhook_id in webhooks.due():
            webhooks.tend(webhook_id)
        answer = sandbox.api("GET", f"/lists/{self.list_id}/webhooks.json").json()
        self.hook = "/hooks/" + str(answer[0]["Url"]).partition("/hooks/")[2]

    def live(self, steps: int) -> None:
        """Let things happen at random, and check the list state after each comparison."""
        acts: list[tuple[int, Callable[[], None]]] = [
            (4, self.leave),
            (2, self.join),
            (2, self.edit_there),
            (2, self.edit_here),
            (3, self.call_webhook),
            (1, self.forge),
            (3, self.run),
            (2, self.look),
            (2, self.compare),
        ]
        for _step in range(steps):
            act = self.chance.choices([act for _weight, act in acts], [weight for weight, _act in acts])[0]
            self.steps.append(act.__name__)
            act()
        self.compare()
        self.run()

    # -- subscribers ---------------------------------------------------------------------------------------------

    def leave(self) -> None:
        email = self.chance.choice([*self.emails, *self.strangers])
        state = self.chance.choice(INACTIVE)
        self._become(email, state)
        self._note({"Type": "Deactivate", "EmailAddress": email, "State": state})

    def join(self) -> None:
        email = self.chance.choice([*self.emails, *self.strangers])
        self._become(email, ACTIVE)
        self.known_to_be_gone.discard(email)
        self._note({"Type": "Subscribe", "EmailAddress": email})

    def edit_there(self) -> None:
        email = self.chance.choice(self.emails)
        body = {"EmailAddress": email, "Name": f"Edited {self.chance.random()}", "ConsentToTrack": "Unchanged"}
        self.sandbox.api("PUT", f"/subscribers/{self.list_id}.json", params={"email": email}, json=body)

    def _become(self, email: str, state: str) -> None:
        self.sandbox.set_state([email], state, self.list_id)

    def _note(self, event: dict[str, Any]) -> None:
        """Let the call get lost, come once or come twice; sooner or later."""
        self.pending += [event] * self.chance.choice([0, 1, 1, 2])
        self.chance.shuffle(self.pending)

    # -- the product ---------------------------------------------------------------------------------------------

    def edit_here(self) -> None:
        change_profile(get_profile(email=self.chance.choice(self.emails)), first_name=str(self.chance.random()))

    def call_webhook(self) -> None:
        if self.pending:
            self._call(self.pending.pop())

    def forge(self) -> None:
        email = self.chance.choice(self.emails)
        kind = self.chance.choice(["Deactivate", "Subscribe"])
        self._call({"Type": kind, "EmailAddress": email, "State": "Unsubscribed"})

    def _call(self, event: dict[str, Any]) -> None:
        body = json.dumps({"ListID": self.list_id, "Events": [event]})
        assert Client().post(self.hook, body, "application/json").status_code == 200
        if watches.due():
            self._work_on_looks()

    def look(self) -> None:
        ListWatch.objects.update(due_at=clock.now() - timedelta(seconds=1))
        self._work_on_looks()

    def _work_on_looks(self) -> None:
        for watch_id in watches.due():
            while look.look(watch_id):
                pass
        self.known_to_be_gone = self._gone()

    def compare(self) -> None:
        comparison.request(ListState.objects.get(list_id=self.list_id))
        for comparison_id in comparison.due():
            while comparison.compare(comparison_id):
                pass
        assert ListComparison.objects.latest("pk").status == "successful"
        self.known_to_be_gone = self._gone()
        known = set(SubscriberStatus.objects.values_list("email", flat=True))
        assert known == self.known_to_be_gone, "the list state is not as the list"

    def run(self) -> None:
        """Run the export. No contact who left becomes active by it, or is sent after a look has read it."""
        gone, received = self._gone(), self.sandbox.received(self.list_id)
        run_to_its_end(self.export)
        assert self._gone() >= gone, "a contact who left the list is active again"
        now = self.sandbox.received(self.list_id)
        for email in self.known_to_be_gone & set(self.emails):
            assert now.get(email, 0) == received.get(email, 0), f"{email} was sent"

    def _gone(self) -> set[str]:
        return {
            person["EmailAddress"] for state in INACTIVE for person in self.sandbox.people(self.list_id, state)
        }
