"""Lines of the command line client: counts that add up, words in place of codes, no control characters."""

from config.client import texts
from exports.results import summary

COUNTS = summary.ResultSummary(
    unchanged=5820,
    invalid=273,
    duplicate=113,
    not_attempted=64,
    planned=64,
    to_add=10,
    to_update=54,
    not_removed=2,
).as_numbers()
PREVIEW = {"export": "Readers", "list_title": "News", "counts": COUNTS, "calls": 1, "seconds": 0.2}


def test_a_preview_is_in_words_and_its_parts_add_up() -> None:
    assert list(texts.preview_lines(PREVIEW)) == [
        "Readers to “News”: preview only, nothing is sent.",
        "  Members: 6270",
        "    Unchanged: 5820",
        "    Excluded: 386 (273 No usable email or value, 113 Duplicate email)",
        "    To send: 64 (10 To add, 54 To update)",
        "  To remove: 2",
        "  Requests: 1",
        "  Time: about 1 s",
    ]


def test_the_words_are_those_of_the_pages() -> None:
    kinds = summary.ContactKind
    groups = [texts._PARTS, texts._BESIDE, *texts._OF_WHICH.values()]
    for name, label in (pair for group in groups for pair in group.items()):
        assert label == str(summary.LABELS[kinds(name)])
    for name, label in texts._OF_PREVIEWS.items():
        assert label == str(summary.label_of(kinds(name), summary.Phase.PREVIEW))
    assert set(texts._PARTS) == set(summary.PARTS)
    assert set(texts._OF_WHICH["excluded"]) == set(summary.EXCLUDED_PARTS)
    assert set(texts._BESIDE) == {kinds.INCOMPLETE, *summary.REMOVALS}


def test_the_parts_of_a_run_add_up() -> None:
    counts = summary.ResultSummary(delivered=60, rejected=4, unchanged=5820, duplicate=386, removed=3).as_numbers()
    run = {"export": "Readers", "id": 7, "status": "warnings", "exit_code": 0, "counts": counts}
    assert texts.run_line(run) == (
        "Readers: run 7 – Completed with warnings: 6270 members (60 delivered, 5820 unchanged, 386 excluded, "
        "4 rejected); 3 removed"
    )


def test_the_log_says_after_what_a_run_was_started_and_where_its_page_is() -> None:
    changes = [
        {"at": "2026-11-20T09:00:00Z", "status": "queued", "reason": "", "reason_text": "", "by": ""},
        {
            "at": "2026-11-20T09:01:00Z",
            "status": "successful",
            "reason": "nothing_new",
            "reason_text": "Nothing new to send",
            "by": "",
        },
    ]
    log = {
        "export": "Readers",
        "run_id": 7,
        "number": 2,
        "status": "successful",
        "url": "https://segments.example.com/data/runs/7/",
        "started_after": "Shop",
        "explanation": "",
        "message": "",
        "next_step": "See the contacts and their results.",
        "changes": changes,
        "reasons": [],
    }
    assert list(texts.log_lines(log)) == [
        "Readers, run 7 (number 2): Successful",
        "  2026-11-20 09:00 UTC  Queued  after Shop",
        "  2026-11-20 09:01 UTC  Successful  Nothing new to send",
        "See the contacts and their results. https://segments.example.com/data/runs/7/",
    ]


def test_characters_that_control_a_terminal_are_escaped() -> None:
    assert texts.printable("Zoë’s list 名\u00a0👩‍💻") == "Zoë’s list 名\u00a0👩‍💻"
    assert texts.printable("a\x1b[2Jb\nc\u202ed\x9b") == "a\\u001b[2Jb\\u000ac\\u202ed\\u009b"
