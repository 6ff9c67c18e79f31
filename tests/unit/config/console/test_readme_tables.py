"""The help shows the tables of README.md: its settings, its commands and their exit codes."""

from config.console.readme_tables import parse_tables, read_tables

TEXT = """
### Keys

| Setting | Meaning |
|---|---|
| `A`, `B` | **one** of a\\|b, see [the map](MAP.md) |
| `<C>` | & |

Text.

### Others

| Setting | Meaning |
|---|---|
| `D` | d |
"""


def test_tables_have_their_headings_and_cells_as_html() -> None:
    keys, others = parse_tables(TEXT)
    assert (keys.title, others.title) == ("Keys", "Others")
    assert keys.heads == ["Setting", "Meaning"]
    assert keys.rows == [
        ["<code>A</code>, <code>B</code>", "<strong>one</strong> of a|b, see the map"],
        ["<code>&lt;C&gt;</code>", "&amp;"],
    ]
    assert others.rows == [["<code>D</code>", "d"]]


def test_the_settings_and_commands_of_the_readme_are_read() -> None:
    settings = {row[0] for table in read_tables("Settings") for row in table.rows}
    assert "<code>SECRET_KEY</code>" in settings
    assert len(settings) > 60
    commands, exit_codes = read_tables("Commands")
    assert any("manage.py backup FILE" in row[0] for row in commands.rows)
    assert (commands.title, exit_codes.title) == ("", "Exit codes")
