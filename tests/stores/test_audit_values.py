import json
from dataclasses import replace

import pytest

from maxsight.stores.audit import Audit, Setting


def measured(*recalls, target=0.99, pages=1000, top_k=10):
    """An audit with 64, 128, 256, ... candidates that have these recalls at least, and were seen to have more."""
    settings = tuple(
        Setting(64 * 2**step, min(1.0, recall + 0.01), recall, 0.5, 1.0, 2.0)
        for step, recall in enumerate(recalls)
    )
    return Audit("2026-11-21", pages, 200, "given", top_k, target, 256, 9.0, settings)


def test_the_fewest_candidates_that_meet_the_target_are_recommended():
    assert measured(0.7, 0.9, 0.99, 1.0).recommended.candidates == 256
    assert measured(0.7, 0.9, 0.99, 1.0, target=0.9).recommended.candidates == 128


def test_a_lucky_setting_below_a_worse_one_is_not_recommended():
    assert measured(0.99, 0.98, 0.99, 1.0).recommended.candidates == 256


def test_looking_at_all_pages_is_recommended_where_it_is_quicker():
    audit = measured(0.9, 0.99, 1.0)
    quick = replace(audit.settings[-1], latency_p50_ms=0.5)
    audit = replace(audit, settings=(*audit.settings[:-1], quick))
    assert audit.recommended == quick
    assert replace(audit, target=1.1).recommended is None


def test_where_no_number_of_candidates_is_enough_every_page_is_scored():
    audit = measured(0.7, 0.9, 0.95)
    assert audit.recommended is None
    assert audit.candidates_for(0.99, pages=1000, top_k=10) is None
    assert audit.candidates_for(0.9, pages=1000, top_k=10) == 128


def test_a_library_that_has_grown_is_looked_at_more_by_the_root_of_that():
    """Two and a quarter times 1,000 pages: 128 candidates become 192. One that has shrunk needs no fewer."""
    audit = measured(0.7, 0.99)
    assert audit.candidates_for(0.99, pages=2250, top_k=10) == 192
    assert audit.candidates_for(0.99, pages=500, top_k=10) == 128


def test_more_pages_than_were_measured_take_more_candidates():
    assert measured(0.7, 0.99).candidates_for(0.99, pages=1000, top_k=25) == 320
    assert measured(0.7, 0.99).candidates_for(0.99, pages=1000, top_k=3) == 128


def test_an_audit_reads_as_it_was_written():
    audit = measured(0.7, 0.99)
    assert Audit.from_json(audit.to_json()) == audit


def test_what_a_later_version_adds_is_passed_over():
    audit = measured(0.7, 0.99)
    written = json.loads(audit.to_json()) | {"colour": "blue"}
    written["settings"][0]["energy_j"] = 3
    assert Audit.from_json(json.dumps(written)) == audit


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": 3}', "null"])
def test_an_audit_that_can_not_be_read_counts_as_none_and_is_told(text, caplog):
    assert Audit.from_json(text) is None
    assert "audit it again" in caplog.text


def test_an_audit_of_a_library_that_is_always_looked_at_whole_says_nothing_of_a_larger_one():
    audit = measured(0.7, 1.0)
    assert audit.holds_for(1000)
    assert not replace(audit, settings=audit.settings[:1]).holds_for(1000)


def test_an_audit_says_nothing_of_a_library_that_has_outgrown_it():
    audit = measured(0.7, 0.99)
    assert [pages for pages in (10, 1000, 4000, 4001) if audit.holds_for(pages)] == [10, 1000, 4000]
