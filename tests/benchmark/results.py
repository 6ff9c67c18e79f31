"""PlanCounts with a name, a unit and sometimes a bar: kept as JSON lines, shown as a table."""

from dataclasses import dataclass, field
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

# What has to hold: ratios taken in one run, and counts. (“at least” or “at most”, limit)
BARS: dict[str, tuple[str, float]] = {
    "deliver_0ms_rows_per_s": ("at least", 30_000),
    "deliver_vs_client_loop": ("at least", 3),
    "deliver_vs_client_pool": ("at least", 1.5),
    "deliver_vs_ideal": ("at most", 1.25),
    "faults_vs_clean": ("at most", 1.5),
    "second_run_seconds": ("at most", 15),
    "second_run_calls_excess": ("at most", 0),
    "worker_peak_mb": ("at most", 300),
    "profiles_lost": ("at most", 0),
    "profiles_doubled": ("at most", 0),
    "import_vs_copy": ("at most", 1.5),
    "import_peak_mb": ("at most", 650),
    "refresh_vs_sql": ("at most", 1.5),
    "refresh_500_seconds": ("at most", 30),
    "live_count_ms": ("at most", 150),
    "live_count_ms_10m": ("at most", 600),
    "person_by_address_ms_10m": ("at most", 200),
    "search_ms": ("at most", 1000),
    "search_ms_10m": ("at most", 1000),
    "merge_of_1000_ms_10m": ("at most", 2000),
    "import_seconds_10m": ("at most", 60),
    "at_once_lost": ("at most", 0),
    "at_once_after_longest": ("at most", 0),
    "api_p95_ms": ("at most", 100),
    "push_rows_per_s": ("at least", 20_000),
    "push_lost": ("at most", 0),
    "hosts_scale": ("at least", 2.5),
    "hosts_lost": ("at most", 0),
}
# With a million people.
FULL_BARS = BARS | {"deliver_vs_ideal": ("at most", 1.1)}


@dataclass(frozen=True)
class Figure:
    """One measured value."""

    name: str
    value: float
    unit: str
    remark: str = ""
    limit: tuple[str, float] | None = None

    @property
    def bar(self) -> str:
        """“≥ 3”, or nothing."""
        if self.limit is None:
            return ""
        kind, limit = self.limit
        return f"{'≥' if kind == 'at least' else '≤'} {limit:g}"

    @property
    def holds(self) -> bool:
        """Whether the value keeps to its bar; a figure without one always does."""
        if self.limit is None:
            return True
        kind, limit = self.limit
        return self.value >= limit if kind == "at least" else self.value <= limit

    def as_json(self) -> bytes:
        plain: dict[str, object] = {"name": self.name, "value": self.value, "unit": self.unit}
        if self.limit is not None:
            plain |= {"limit": self.limit[1], "holds": self.holds}
        return orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)


@dataclass
class Results:
    """All figures of one run, in the order they were taken."""

    figures: list[Figure] = field(default_factory=list)
    full: bool = False

    def add(self, name: str, value: float, unit: str, remark: str = "") -> None:
        rounded = round(value, 3) if value < 100 else float(round(value))
        bars = FULL_BARS if self.full else BARS
        self.figures.append(Figure(name, rounded, unit, remark, bars.get(name)))

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
