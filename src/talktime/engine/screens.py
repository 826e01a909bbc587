"""The snapshots and the account of a payer inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talktime.core import gifts
from talktime.core.errors import NotFound
from talktime.documents.account import Account
from talktime.documents.snapshot import snapshot

if TYPE_CHECKING:
    from talktime.core.record import Record
    from talktime.database.payer_transaction import PayerTransaction
    from talktime.documents.snapshot import Snapshot


def snapshot_of(payer: PayerTransaction, chat_id: str, record: Record | None = None) -> Snapshot:
    """The snapshot of this chat as of now, with the chat's latest record unless `record` is given.

    Raises:
        NotFound: the chat never had a record.
    """
    chat = payer.chats[chat_id]
    record = record or payer.latest_record(chat)
    if record is None:
        raise NotFound("record")
    return snapshot(
        payer.current,
        record,
        payer.durations,
        payer.now,
        chat_id,
        payer.chat_duration_ms(chat_id),
        payer.sequence,
        payer.cuts(),
    )


def account_of(payer: PayerTransaction) -> Account:
    """The payer's account as of now."""
    state = payer.current
    available = state.available_at(payer.now)
    return Account(
        user_id=state.user_id,
        display_name=payer.display_name,
        balance=state.balance,
        committed=state.balance - available,
        available=available,
        gift=gifts.total(state.gifts),
        next_expiry=gifts.next_to_expire(state.gifts, payer.now),
        metadata=payer.metadata or {},
    )
