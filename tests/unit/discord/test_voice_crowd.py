"""Few speakers are heard at once; many are read together."""

from __future__ import annotations

from frontends.discord.voice.crowd import PAUSE_SECONDS, Crowd


def pauses(speakers: int, seconds: float, *, crowd: Crowd, since: float = 0.0) -> list[float]:
    """Return what is said to a look at every packet."""
    count = int(speakers * 50 * seconds)
    return [crowd.pause(1, since + number / (speakers * 50)) for number in range(count)]


def test_the_packets_of_eleven_who_speak_at_once_are_never_waited_for():
    assert set(pauses(11, 2.0, crowd=Crowd())) == {0.0}


def test_a_crowd_is_read_at_intervals_within_a_second():
    found = pauses(25, 2.0, crowd=Crowd())
    assert set(found[1_250:]) == {PAUSE_SECONDS}


def test_what_comes_at_once_after_a_stall_is_no_crowd():
    crowd = Crowd()
    pauses(5, 2.0, crowd=crowd)
    assert {crowd.pause(1, 2.3) for _ in range(75)} == {0.0}
    assert set(pauses(5, 1.0, crowd=crowd, since=2.3)) == {0.0}


def test_a_burst_after_a_silence_is_no_crowd():
    crowd = Crowd()
    assert crowd.pause(0, 10.0) == 0.0
    assert set(pauses(2, 0.3, crowd=crowd, since=20.0)) == {0.0}


def test_a_crowd_that_falls_silent_is_none_any_more():
    crowd = Crowd()
    pauses(25, 1.0, crowd=crowd)
    crowd.pause(0, 1.6)
    assert crowd.pause(0, 2.2) == 0.0
