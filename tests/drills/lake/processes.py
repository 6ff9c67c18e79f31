"""Start the ten processes, kill them at random moments and start them again."""

import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills.lake import locks
from tests.drills.lake.model import Model
from tests.drills.lake.settings import MAINTAINERS, READERS, WRITERS, Settings

_ROOT = Path(__file__).resolve().parents[3]
_ROLES = {"writer": WRITERS, "maintainer": MAINTAINERS, "reader": READERS}


@dataclass
class Processes:
    """The processes by their names, and how often each was killed or ended."""

    settings: Settings
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    ended: list[str] = field(default_factory=list)

    def start_all(self) -> None:
        for role, count in _ROLES.items():
            for number in range(count):
                self.start(f"{role}-{number}")

    def start(self, name: str) -> None:
        self.attempts[name] += 1
        role, number = name.split("-")
        command = [sys.executable, "-m", "tests.drills.lake.worker", role, number, str(self.attempts[name])]
        with (self.settings.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*command, self.settings.to_json()], cwd=_ROOT, stdout=log, stderr=log
            )

    def strike(self, model: Model, chance: random.Random) -> None:
        """Kill the process that holds the writer's lock, or any; start it again."""
        holder = locks.writer_lock_holder(model) if chance.random() < 0.7 else None
        name = holder if holder in self.running else chance.choice(list(self.running))
        if holder:
            time.sleep(chance.uniform(0, 0.1))
        process = self.running[name]
        if process.poll() is None:
            writing = "with the lock" if locks.writer_lock_holder(model) == name else "without"
            process.kill()
            process.wait()
            self.kills[f"{name.split('-')[0]} {writing}"] += 1
            self.start(name)

    def restart_ended(self) -> None:
        """Start again what ended without being killed, and remember that it did."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.ended.append(f"{name} with {process.returncode}: {self._last_words(name)}")
                self.start(name)

    def stop(self) -> None:
        """Let all end after their present operation."""
        self.settings.stop_file.touch()
        for name, process in self.running.items():
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.ended.append(f"{name} did not end")

    def kill_all(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()

    def _last_words(self, name: str) -> str:
        return (self.settings.folder / f"{name}.log").read_text(errors="replace")[-1500:]
