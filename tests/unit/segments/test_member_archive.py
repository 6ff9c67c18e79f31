"""Names of the files in an archive of members."""

from hypothesis import given, settings
from hypothesis import strategies as st

from segments.member_archive import file_names


def test_files_are_named_like_the_segments_without_characters_that_file_systems_refuse() -> None:
    assert file_names(["Readers", "A/B: “test”", "../../etc", "...", "Łódź"]) == [
        "Readers.csv",
        "A B “test”.csv",
        "etc.csv",
        "segment.csv",
        "Łódź.csv",
    ]


def test_names_that_differ_by_case_alone_get_numbers() -> None:
    assert file_names(["News", "NEWS", "news (2)", "news"]) == [
        "News.csv",
        "NEWS (2).csv",
        "news (2) (2).csv",
        "news (3).csv",
    ]


@settings(deadline=None)
@given(st.lists(st.text()))
def test_every_segment_has_a_file_of_its_own(names: list[str]) -> None:
    found = file_names(names)
    assert len({name.casefold() for name in found}) == len(names)
    assert not any(set(name) & set('<>:"/\\|?*\0\n') or name.startswith(".") for name in found)
