"""Write the CSV files of the store's benchmark: twelve columns, the same every time, by the million."""

from pathlib import Path

import duckdb

from segments.rules.tree import Tree

# Typed as a table would be that is made for these data.
TABLE = """
    id text PRIMARY KEY, email text, first_name text, last_name text, city text, country text, birth_date date,
    newsletter boolean, points integer, language text, spent numeric, joined timestamptz
"""
_CITIES = (
    "['Helsinki', 'Łódź', 'București', 'Jakarta', 'London', '上海', 'Turku', 'Kraków', 'Iași', 'Leeds', 'Dublin']"
)
_COUNTRIES = "['Finland', 'Poland', 'Romania', 'Indonesia', 'United Kingdom', 'China', 'Ireland']"
_NAMES = "['Päivi', 'Zofia', 'Ioana', 'Siti', 'Grace', '伟', 'Aino', 'Łukasz', 'Ștefan', 'Budi', 'Noah']"
_LAST_NAMES = (
    "['Virtanen', 'Kowalski', 'Popescu', 'Santoso', 'Smith', '王', 'Mäkinen', 'Żak', 'Țurcanu', 'O''Connor']"
)


def write_csv(path: Path, rows: int, *, first: int = 0, version: int = 0) -> Path:
    """Write so many people, from the number ``first`` on. Another version has other points for all of them."""

    def chosen(values: str, prime: int) -> str:
        return f"{values}[1 + (i * {prime} + i // 97) % len({values})]"

    duckdb.sql(
        f"""
        COPY (SELECT 'P' || lpad(CAST(i AS VARCHAR), 9, '0') AS id,
                     'person.' || i || '@example' || i % 50 || '.com' AS email,
                     {chosen(_NAMES, 7)} AS first_name, {chosen(_LAST_NAMES, 11)} AS last_name,
                     {chosen(_CITIES, 13)} AS city, {chosen(_COUNTRIES, 17)} AS country,
                     DATE '1940-01-01' + CAST(i * 31 % 24000 AS INTEGER) AS birth_date,
                     CASE WHEN i % 3 = 0 THEN 'no' ELSE 'yes' END AS newsletter,
                     (i * 7919 + {version}) % 10000 AS points,
                     ['fi', 'pl', 'ro', 'id', 'en', 'zh'][1 + i % 6] AS language,
                     (i * 104729 % 1000000) / 100 AS spent,
                     strftime(TIMESTAMP '2015-01-01' + to_seconds(i * 6007 % 300000000), '%Y-%m-%dT%H:%M:%SZ')
                       AS joined
                FROM range({first}, {first + rows}) t(i))
          TO '{path}' (HEADER)
        """
    )
    return path


def write_windows_1252(source: Path, target: Path) -> Path:
    """Write a file again in the encoding Windows-1252, with a question mark for each letter that it lacks."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="cp1252", errors="replace") as written:
        written.writelines(lines)
    return target


def write_broken_rows(source: Path, target: Path) -> Path:
    """Write a file again with a field too many in one of a hundred rows."""
    with source.open("rb") as lines, target.open("wb") as written:
        for number, line in enumerate(lines):
            written.write(line.replace(b"\n", b",more\n") if number % 100 == 1 else line)
    return target


# Seven conditions, and the same in SQL.
CONDITIONS = (
    ({"attribute": "country", "operator": "is", "value": "Finland"}, "country = 'Finland'"),
    ({"attribute": "newsletter", "operator": "is_yes"}, "newsletter"),
    ({"attribute": "points", "operator": ">", "value": "2500"}, "points > 2500"),
    ({"attribute": "city", "operator": "contains", "value": "k"}, "contains(lower(city), 'k')"),
    ({"attribute": "birth_date", "operator": "before", "value": "1990-01-01"}, "birth_date < DATE '1990-01-01'"),
    (
        {"attribute": "language", "operator": "any_of", "value": ["fi", "pl", "en"]},
        "language IN ('fi', 'pl', 'en')",
    ),
    ({"attribute": "last_name", "operator": "starts_with", "value": "Vi"}, "starts_with(lower(last_name), 'vi')"),
)


def all_of(*conditions: object) -> Tree:
    """Return the rules that all conditions are met."""
    return {"join": "and", "rules": list(conditions)}
