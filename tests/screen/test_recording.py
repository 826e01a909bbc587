"""The rules of a recording find every mistake, and nothing else."""

from __future__ import annotations

import math

from tests.screen.recording import Recording, Row, quantile

ZERO = 1_000_000.0


def row(at: float, digits: str, *, gap: float = 16, state: str = "running", bound: float = 10) -> Row:
    return Row(ZERO + at, gap, digits, state, bound, at, "9.00", hidden=False)


def shown(*instants: float) -> Recording:
    """A recording in which second n appears at the n-th instant."""
    return Recording("", [row(at, f"0:{second:02}") for second, at in enumerate(instants)], ZERO)


def test_a_screen_without_mistakes_breaks_no_rule() -> None:
    good = shown(0, 1010, 2008, 3012, 4009)
    assert good.backwards() == good.irregular() == good.steps() == good.beyond_bound() == []
    assert good.lateness_ms() == [10, 8, 12, 9]
    assert (quantile(good.lateness_ms(), 1), quantile(good.lateness_ms(), 0.5)) == (12, 9)


def test_digits_or_readings_that_go_backwards_are_found() -> None:
    digits = Recording("", [row(0, "0:01"), row(500, "0:00")], ZERO)
    assert len(digits.backwards()) == 1
    reading = Recording("", [row(500, "0:00"), row(500, "0:00")._replace(elapsed=499.0)], ZERO)
    assert len(reading.backwards()) == 1
    over_a_placeholder = Recording("", [row(0, "0:01"), row(500, "--:--"), row(600, "0:00")], ZERO)
    assert len(over_a_placeholder.backwards()) == 1
    resumed = Recording("", [row(0, "0:01", state="paused"), row(500, "0:00")], ZERO)
    assert len(resumed.backwards()) == 1
    learned_late = Recording("", [row(0, "0:01"), row(500, "0:00", state="paused")], ZERO)
    assert learned_late.backwards() == []


def test_seconds_that_are_too_short_or_too_long_are_found() -> None:
    assert len(shown(0, 1000, 1900, 3000).irregular()) == 2
    assert shown(0, 1000, 2069, 3000).irregular() == []
    slow_frames = Recording("", [row(0, "0:00"), row(1000, "0:01"), row(2200, "0:02", gap=200)], ZERO)
    assert slow_frames.irregular() == []


def test_a_second_is_longer_by_the_time_in_which_the_screen_is_not_sure() -> None:
    doubts = [
        row(-500, "0:00"),
        row(0, "0:01"),
        row(900, "0:01", state="syncing"),
        row(1000, "0:01"),
        row(1130, "0:02"),
        row(2030, "0:03"),
    ]
    assert Recording("", doubts, ZERO).irregular() == []
    sure = [one._replace(state="running") for one in doubts]
    assert len(Recording("", sure, ZERO).irregular()) == 2, "too long, and the next one too short"


def test_steps_are_found_unless_a_long_frame_explains_them() -> None:
    assert len(Recording("", [row(0, "0:00"), row(3000, "0:03")], ZERO).steps()) == 1
    assert Recording("", [row(0, "0:00"), row(3000, "0:03", gap=2900)], ZERO).steps() == []


def test_digits_and_readings_beyond_the_bound_are_found() -> None:
    assert len(shown(0, 1060).beyond_bound()) == 1
    assert len(shown(0, 970).beyond_bound()) == 1
    assert shown(0, 1040).beyond_bound() == shown(0, 992).beyond_bound() == []
    reading = [row(at, "0:00")._replace(elapsed=at + wrong) for at, wrong in ((100, 0.0), (200, 25.0), (300, -35.0))]
    assert len(Recording("", reading, ZERO).beyond_bound()) == 2
    unsure = Recording("", [row(0, "0:00"), row(1500, "0:01", bound=math.inf)], ZERO)
    assert unsure.beyond_bound() == []


def test_the_rows_of_the_page_become_rows_of_the_recording() -> None:
    rows = Recording.of("", [[5.0, 16.0, "--:--", "syncing", None, None, "", False]]).rows
    assert (rows[0].seconds, rows[0].bound) == (None, math.inf)
    assert row(0, "1:00:05").seconds == 3605
