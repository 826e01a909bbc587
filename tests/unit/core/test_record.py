"""A record computes its time, its cost and what it has begun to owe, from stored totals and an instant."""

from __future__ import annotations

from dataclasses import replace

from talktime.core.money import MICRO
from talktime.core.record import AWAY, AWAY_REASONS, Party, Reason, RecordFilter, State
from talktime.core.record import replace as replace_fields
from talktime.core.terms import Terms
from tests.unit.builders import MINUTE, START, minute_tariff, new_record


def test_the_allowance_is_what_earlier_records_left_of_the_free_time() -> None:
    record = new_record(tariff=minute_tariff(free_seconds=90), free_ms_before=60_000)
    assert record.allowance_ms == 30_000
    assert replace(record, free_ms_before=200_000).allowance_ms == 0


def test_cost_and_share_count_with_the_free_time_that_is_left() -> None:
    tariff = minute_tariff(free_seconds=90)
    record = new_record(tariff=tariff, free_ms_before=60_000, terms=Terms(share_ppm=500_000))
    assert (record.cost_at(START + 30_000), record.cost_at(START + 30_001)) == (0, MICRO)
    assert record.share_at(START + 60_000).advisor == MICRO // 2


def test_a_running_record_adds_the_time_since_it_was_settled() -> None:
    record = replace(new_record(), elapsed_ms=10_000, settled_at=START + 50_000)
    assert record.is_running
    assert record.elapsed_at(START + 60_000) == 20_000


def test_the_time_of_a_paused_or_ended_record_stands_still() -> None:
    for state in (State.PAUSED, State.ENDED):
        record = replace(new_record(), state=state, elapsed_ms=10_000)
        assert not record.is_running
        assert record.elapsed_at(START + 60_000) == 10_000
        assert record.cost_at(START + 10 * MINUTE) == MICRO


def test_committed_is_the_begun_cost_beyond_what_is_charged() -> None:
    record = new_record()
    assert [record.committed_at(START + ms) for ms in (0, 59_999, 60_000)] == [MICRO, MICRO, 2 * MICRO]
    charged = replace(record, charged=MICRO)
    assert [charged.committed_at(START + ms) for ms in (0, 59_999, 60_000)] == [0, 0, MICRO]
    assert replace(record, charged=5 * MICRO).committed_at(START) == 0


def test_only_a_running_record_commits_credit_and_a_resume_would_commit_it() -> None:
    paused = replace(new_record(), state=State.PAUSED, elapsed_ms=60_000, charged=MICRO)
    assert paused.committed_at(START) == 0
    assert paused.committed_if_running_at(START) == MICRO


def test_a_record_within_its_grace_commits_what_it_may_have_to_pay() -> None:
    record = new_record(tariff=minute_tariff(grace_seconds=90))
    assert (record.cost_at(START + 80_000), record.committed_at(START + 80_000)) == (0, 2 * MICRO)


def test_each_party_has_its_own_reason_to_be_away() -> None:
    assert AWAY == {Party.USER: Reason.USER_AWAY, Party.ADVISOR: Reason.ADVISOR_AWAY}
    assert frozenset({Reason.USER_AWAY, Reason.ADVISOR_AWAY}) == AWAY_REASONS


def test_the_quick_replace_gives_a_changed_copy_and_leaves_the_original() -> None:
    record = new_record()
    changed = replace_fields(record, elapsed_ms=7)
    assert changed == replace(record, elapsed_ms=7)
    assert type(changed) is type(record)
    assert record == new_record()


def test_a_list_of_active_records_shows_every_record_that_has_not_ended() -> None:
    assert RecordFilter.ACTIVE.states == {State.REQUESTED, State.RUNNING, State.PAUSED}
    assert [RecordFilter(state).states for state in State] == [{state} for state in State]
