"""Convert a large CSV file in one pass, without a table of its texts.

The plans of new columns are inferred from a sample of the lines, and proven by the converted values. Where
anything is not proven, the file has to be loaded as a whole (prepare.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb

from segments import catalog
from segments.sources import staging
from segments.sources.candidates import NULL_WORDS
from segments.sources.column_plan import ColumnPlan, ColumnType
from segments.sources.conversion import given_text
from segments.sources.files.file_format import FileFormat
from segments.sources.files.read import LoadedFile, is_blank_row
from segments.sources.files.record_texts import LineTexts
from segments.sources.files.regular_csv import RegularCsv, find_regular, literal, load_regular
from segments.sources.files.rejected import RejectedRows
from segments.sources.files.text_file import opened_lines, read_header
from segments.sources.import_plan import key_positions, plans_of
from segments.sources.inference import ColumnGuess, GuessHint, does_not_survive, infer
from segments.sources.staging import TYPED, StagedRows

MIN_BYTES: Final = 8 << 20  # a smaller file is loaded in a moment
SAMPLE: Final = "sample"  # the temporary table of sampled lines
_FIRST_BYTES: Final = 1 << 18
_BLOCK_BYTES: Final = 1 << 15
_BLOCKS: Final = 64


@dataclass(frozen=True)
class PlainFile:
    """A file of delimited text in UTF-8. A copy is deleted when its texts are not needed any more."""

    path: Path
    file_format: FileFormat
    is_copy: bool


def stage_in_place(
    connection: duckdb.DuckDBPyConnection,
    file: PlainFile,
    known: Sequence[ColumnPlan],
    key_columns: Sequence[str],
    folder: Path,
) -> StagedRows | None:
    """Convert a file. ``known`` are plans that were decided before; ``folder`` is for temporary files.

    Returns None when the file has to be loaded: it is small, a record has several lines, or the plan of a column
    is not proven. Raises FileRefused.
    """
    if file.path.stat().st_size < MIN_BYTES:
        return None
    with opened_lines(file.path, file.file_format) as reader:
        header = read_header(reader, file.file_format)
    regular = find_regular(file.path, file.file_format, width=len(header.names), first_line=header.next_line)
    if regular is None:
        return None
    keys = key_positions(header.names, key_columns)
    decided = {plan.column.casefold() for plan in known}
    undecided = [at for at, name in enumerate(header.names) if name.casefold() not in decided]
    if not _load_sample(connection, regular, folder / "sample.csv"):
        return None
    guesses = infer(connection, SAMPLE, header.names) if undecided else []
    choice = _choose(header.names, {at: guesses[at] for at in undecided}, known, keys)
    if choice is None or (emails := _convert(connection, regular, choice.plans, keys)) is None:
        return None
    plans = choice.proven(connection)
    if plans is None:
        return None
    ((kept,),) = connection.execute(f"SELECT count(*) FROM {TYPED}").fetchall()
    rejected = RejectedRows(folder / "rejected.csv", header.text)
    texts = LineTexts(file.path, file.is_copy)
    loaded = LoadedFile(header.names, kept, rejected, texts, delimiter=regular.delimiter)
    return staging.staged_rows(connection, loaded, plans, keys, emails=emails)


@dataclass(frozen=True)
class _Choice:
    """Plans of all columns, and the guesses of those that are not decided, by position."""

    plans: Sequence[ColumnPlan]
    guesses: Mapping[int, ColumnGuess]

    def proven(self, connection: duckdb.DuckDBPyConnection) -> list[ColumnPlan] | None:
        """Return the plans as all converted values prove them; None when one is not proven."""
        questions = {at: self._unproven(at) for at in self.guesses}
        asked = {at: question for at, question in questions.items() if question}
        plans = list(self.plans)
        if not asked:
            return plans
        answers = connection.execute(f"SELECT {', '.join(asked.values())} FROM {TYPED}").fetchone() or ()
        new = {plan.attribute for plan in plans} - catalog.find([plan.attribute for plan in plans]).keys()
        for at, is_unproven in zip(asked, answers, strict=True):
            guess = self.guesses[at]
            if not guess.filled:
                if is_unproven:
                    return None
                plans[at] = replace(plans[at], is_ignored=plans[at].attribute in new)
            elif is_unproven:
                words = self._null_words(connection, at)
                if words is None:
                    return None
                plans[at] = replace(plans[at], null_words=(*plans[at].null_words, *words))
        return plans

    def _unproven(self, at: int) -> str:
        """Return the expression that is true when the values do not prove the plan; empty when nothing can."""
        plan, guess = self.plans[at], self.guesses[at]
        if not guess.filled:
            return f"count(v{at}) > 0"
        if guess.hint is GuessHint.ONE_WORD:
            return f"coalesce(min(v{at}) <> max(v{at}), false)"
        return f"coalesce(bool_or({self._misfit(at)}), false)" if plan.type is not ColumnType.TEXT else ""

    def _misfit(self, at: int) -> str:
        text = given_text(f"o{at}", self.plans[at])
        return f"CASE WHEN o{at} IS NOT NULL THEN {does_not_survive(text, self.plans[at])} ELSE false END"

    def _null_words(self, connection: duckdb.DuckDBPyConnection, at: int) -> tuple[str, ...] | None:
        """Take the misfits of a column for null words if they are nothing else; None if they are."""
        if self.plans[at].type is ColumnType.TEXT:
            return None
        text = given_text(f"o{at}", self.plans[at])
        found = connection.execute(
            f"SELECT {text} FROM {TYPED} WHERE {self._misfit(at)} GROUP BY 1 LIMIT {len(NULL_WORDS) + 1:d}"
        ).fetchall()
        words = tuple(sorted(word for (word,) in found))
        if not NULL_WORDS.issuperset(words):
            return None
        listed = ", ".join(map(literal, words))
        connection.execute(f"UPDATE {TYPED} SET m{at} = false WHERE {text} IN ({listed})")
        return words


def _choose(
    names: Sequence[str], guesses: Mapping[int, ColumnGuess], known: Sequence[ColumnPlan], keys: Sequence[int]
) -> _Choice | None:
    """Choose the plans by the guesses for columns that are not decided; None when they do not tell them."""
    as_filled = {at: replace(guess, filled=max(guess.filled, 1)) for at, guess in guesses.items()}
    plans = plans_of(names, [as_filled.get(at) for at in range(len(names))], known, keys)
    for at, guess in guesses.items():
        guessed = ColumnType.TEXT if at in keys else guess.plan.type
        if guess.hint is GuessHint.DATE_ORDER or plans[at].type is not guessed:
            return None
    return _Choice(plans, guesses)


def _convert(
    connection: duckdb.DuckDBPyConnection, regular: RegularCsv, plans: Sequence[ColumnPlan], keys: Sequence[int]
) -> list[int] | None:
    """Convert all records but blank ones, with the email addresses of columns where the sample has any. Returns
    the positions of these; None when the file is not regular."""
    texts = {at: f"t{at}" for at in staging.texts_of(plans)}
    emails = staging.with_at_sign(connection, SAMPLE, texts)
    is_blank = {"blank": is_blank_row(regular.width)}
    try:
        staging.convert(connection, regular.relation, plans, keys, is_blank, blanks=regular.blanks, emails=emails)
    except duckdb.InvalidInputException:  # a field too many or too few, a stray quotation mark, bytes not UTF-8
        return None
    if not regular.number_lines(connection, TYPED, "line"):
        return None
    connection.execute(f"DELETE FROM {TYPED} WHERE blank")
    return emails


def _load_sample(connection: duckdb.DuckDBPyConnection, regular: RegularCsv, target: Path) -> bool:
    """Load the first lines of the file, and lines from all over it, into the table SAMPLE. Returns False when a
    line is not a record."""
    size = regular.path.stat().st_size
    with regular.path.open("rb") as source, target.open("wb") as sample:
        for _line in range(regular.first_line - 1):
            source.readline()
        sample.write(_whole_lines(source.read(_FIRST_BYTES)))
        begun = source.tell()
        for block in range(_BLOCKS):
            source.seek(begun + (size - begun) * block // _BLOCKS)
            source.readline()
            sample.write(_whole_lines(source.read(_BLOCK_BYTES)))
    file_format = FileFormat(delimiter=regular.delimiter, quote=regular.quote)
    return load_regular(target, file_format, connection, SAMPLE, width=regular.width, first_line=1)


def _whole_lines(text: bytes) -> bytes:
    return text[: text.rfind(b"\n") + 1]
