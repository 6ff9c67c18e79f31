"""Figures with a name, a unit and sometimes a bar: kept as JSON lines, shown as a table."""

from dataclasses import dataclass, field
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

# What has to hold on any machine: ratios taken in one run, and counts. (“at least” or “at most”, limit)
BARS: dict[str, tuple[str, float]] = {
    "deliver_0ms_vs_client_loop": ("at least", 0.5),
    "deliver_200ms_vs_client_loop": ("at least", 3.0),
    "second_run_calls_with_profiles": ("at most", 0),
    "people_missing_or_twice": ("at most", 0),
}


@dataclass(frozen=True)
class Figure:
    """One measured value."""

    name: str
    value: float
    unit: str
    remark: str = ""

    @property
    def bar(self) -> str:
        """“≥ 3”, or nothing."""
        if self.name not in BARS:
            return ""
        kind, limit = BARS[self.name]
        return f"{'≥' if kind == 'at least' else '≤'} {limit:g}"

    @property
    def holds(self) -> bool:
        """Whether the value keeps to its bar; a figure without one always does."""
        if self.name not in BARS:
            return True
        kind, limit = BARS[self.name]
        return self.value >= limit if kind == "at least" else self.value <= limit

    def as_json(self) -> bytes:
        plain: dict[str, object] = {"name": self.name, "value": self.value, "unit": self.unit}
        if self.name in BARS:
            plain |= {"limit": BARS[self.name][1], "holds": self.holds}
        return orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)


@dataclass
class Results:
    """All figures of one run, in the order they were taken."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, remark: str = "") -> None:
        self.figures.append(Figure(name, round(value, 3) if value < 100 else float(round(value)), unit, remark))

    def __getitem__(self, name: str) -> float:
        return next(figure.value for figure in self.figures if figure.name == name)

    @property
    def hold(self) -> bool:
        return all(figure.holds for figure in self.figures)

    def write(self, path: Path) -> None:
        """Replace the file by these figures, one object a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(figure.as_json() for figure in self.figures))

    def show(self, console: Console, title: str) -> None:
        table = Table(title=title, title_justify="left")
        for column in ("name", "value", "unit", "bar", "", "remark"):
            table.add_column(column, justify="right" if column == "value" else "left")
        for figure in self.figures:
            verdict = ("[green]holds" if figure.holds else "[red]does not hold") if figure.bar else ""
            table.add_row(figure.name, f"{figure.value:,.10g}", figure.unit, figure.bar, verdict, figure.remark)
        console.print(table)
