"""The rules for messages while no time runs. The user pays for the talk, so most messages are refused then.

A message of a user or an advisor needs a running record; free time runs, too. Before the first segment of a record, the
user may send one note, which says what the talk will be about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talktime.core.errors import AllowedCall, NotRunning
from talktime.core.record import Party, Reason, State

if TYPE_CHECKING:
    from talktime.core.record import Record

NOTE_LENGTH_MAX: Final = 500


def check_message(record: Record | None, sender: Party, text: str) -> bool:
    """Check a message. Where no time runs, most messages are refused.

    Args:
        record: the latest record of the chat, None if there is none.
        sender: who writes.
        text: the message.

    Returns:
        Whether the message is the note before the first segment, of which a record has only one.

    Raises:
        NotRunning: the sender must not write now.
    """
    if record is not None and record.is_running:
        return False
    is_closed = record is None or record.state is State.ENDED or record.elapsed_ms > 0
    if is_closed or sender is Party.ADVISOR:
        raise refusal(record, "Messages are sent only while the time of the conversation runs.")
    if len(text) > NOTE_LENGTH_MAX:
        msg = f"Before the time of the conversation runs, a note has at most {NOTE_LENGTH_MAX} characters."
        raise refusal(record, msg)
    return True


def refusal(record: Record | None, why: str) -> NotRunning:
    """The refusal of a message, with the calls that the state of the record allows."""
    return NotRunning(why, state=None if record is None else record.state, allowed=_allowed(record))


def _allowed(record: Record | None) -> tuple[AllowedCall, ...]:
    if record is None or record.state is State.ENDED:
        return (AllowedCall.TRACKING,)
    if record.is_requested:
        return (AllowedCall.ACCEPT, AllowedCall.DECLINE, AllowedCall.STOP)
    resume = (AllowedCall.RESUME,) if record.reason is Reason.PAUSED else ()
    return (*resume, AllowedCall.STOP)
