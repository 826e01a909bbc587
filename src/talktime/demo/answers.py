"""The texts of the automatic advisor: short and friendly answers, which do not hide that a program gives them."""

from __future__ import annotations

import re
from typing import Final

GREETING: Final = (
    "Hello, I am the automatic advisor of this demo: a small program that answers for {name}. "
    "Ask me about the timer, the price or your credits, or just try the buttons."
)

_RULES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), reply)
    for pattern, reply in (
        (
            r"\b(robot|bot|human|real|person|program|ai|who are you|automatic)\b",
            "I am a program, not a person. Open the advisor's page in another tab, and you answer instead of me.",
        ),
        (
            r"\b(refresh|reload|connection|offline|network|tab|close)\b",
            "Reload the page if you like: the server measures the time, so the digits go on where they are.",
        ),
        (
            r"\b(top.?up|credits?|balance|money|recharge)\b",
            (
                "Your credits are beside the timer. When they run out, the timer stops at that instant and waits "
                "while you top up; the wait is not billed."
            ),
        ),
        (
            r"\b(price|cost|expensive|charge[ds]?|pay|free|tariff|rate|bill|receipt)\b",
            (
                "The price is under the timer, and it is the price that you saw when you started. When we stop, the "
                "receipt shows the sum line by line."
            ),
        ),
        (
            r"\b(pause|break|resume|continue|wait)\b",
            "Press Pause, and the timer stops until you press Continue. The pause is not billed.",
        ),
        (
            r"\b(stop|end|finish|bye|goodbye)\b",
            "Press Stop when you are done; the receipt follows at once. Goodbye, and thank you!",
        ),
        (
            r"\b(switch|another|other|new|second) chat\b|\bchats\b",
            (
                "Start another chat with me from the list: the timer of this chat stops and the timer of the new chat "
                "starts, at the same instant."
            ),
        ),
        (
            r"\b(timer?|clock|seconds?|minutes?|long|duration)\b",
            (
                "We both see the same time, and so does the database. Nothing ticks: the time is computed from the "
                "instant at which we started."
            ),
        ),
        (r"\b(thanks?|thank you|great|nice|cool|good)\b", "You're welcome! Is there anything else you'd like to try?"),
        (r"\b(hello|hi|hey|good (morning|evening|day))\b", "Hello! Ask me about the timer, the price or your credits."),
        (r"\b(help|what can|how do)\b", "Ask me about the timer, the price, your credits, pausing, or other chats."),
    )
)

_OTHER_ANSWERS: Final = (
    "I'm only a simple program, so I may not understand that. Ask me about the timer, the price or your credits.",
    "I can't answer that. Try Pause, or start another chat.",
    "A real advisor would know. I can tell you about the timer, the price and your credits.",
)


def greeting(name: str) -> str:
    """The first message, for the advisor of this name."""
    return GREETING.format(name=name)


def answer(text: str, position: int) -> str:
    """The answer to the message `text`, which is at `position` in its chat."""
    for pattern, reply in _RULES:
        if pattern.search(text):
            return reply
    if text.rstrip().endswith("?") and position % 2:
        return _OTHER_ANSWERS[2]
    return _OTHER_ANSWERS[position % 2]
