"""What the automatic advisor says: short, friendly, about the matter, and honest about being a program."""

from __future__ import annotations

import re
from typing import Final

GREETING: Final = (
    "Hello, I am the automatic advisor of this demo: a small program in {name}'s empty seat. "
    "Ask me about the timer, the price or your credits, or just try the buttons."
)

_RULES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), answer)
    for pattern, answer in (
        (
            r"\b(robot|bot|human|real|person|program|ai|who are you|automatic)\b",
            "I am a program, not a person. Open the advisor's page in another tab and you take over this seat.",
        ),
        (
            r"\b(refresh|reload|connection|offline|network|tab|close)\b",
            "Reload the page if you like: the time is measured by the server, so the digits go on where they are.",
        ),
        (
            r"\b(top.?up|credits?|balance|money|recharge)\b",
            (
                "Your credits are beside the timer. When they run out the timer stops at that very instant and waits "
                "while you top up; nothing is billed in between."
            ),
        ),
        (
            r"\b(price|cost|expensive|charge[ds]?|pay|free|tariff|rate|bill|receipt)\b",
            (
                "The price is under the timer, and it is the one you saw when you started. When we stop, the receipt "
                "shows the sum line by line."
            ),
        ),
        (
            r"\b(pause|break|resume|continue|wait)\b",
            "Press Pause and the timer stands still, unbilled, until one of us continues.",
        ),
        (
            r"\b(stop|end|finish|bye|goodbye)\b",
            "Press Stop whenever you have had enough; the receipt follows at once. Goodbye, and thank you!",
        ),
        (
            r"\b(switch|another|other|new|second) chat\b|\bchats\b",
            (
                "Start another chat with me from the list: this one's timer stops and the new one's starts, at one "
                "and the same instant."
            ),
        ),
        (
            r"\b(timer?|clock|seconds?|minutes?|long|duration)\b",
            (
                "We both see the same time, and so does the database. Nothing ticks behind it: it is computed from "
                "when we started."
            ),
        ),
        (r"\b(thanks?|thank you|great|nice|cool|good)\b", "You're welcome! Is there anything else you'd like to try?"),
        (r"\b(hello|hi|hey|good (morning|evening|day))\b", "Hello! Ask me about the timer, the price or your credits."),
        (r"\b(help|what can|how do)\b", "Ask me about the timer, the price, your credits, pausing, or other chats."),
    )
)

_OTHERWISE: Final = (
    "I'm only a simple program, so I may not understand that. Ask me about the timer, the price or your credits.",
    "That is beyond me, but the timer heard it too and didn't mind. Try Pause, or start another chat.",
    "A real advisor would know. I can tell you about the timer, the price and your credits.",
)


def greeting(name: str) -> str:
    """What it says first, in the seat of the advisor called `name`."""
    return GREETING.format(name=name)


def answer(text: str, position: int) -> str:
    """The answer to `text`, the message at `position` of its chat."""
    for pattern, reply in _RULES:
        if pattern.search(text):
            return reply
    if text.rstrip().endswith("?") and position % 2:
        return _OTHERWISE[2]
    return _OTHERWISE[position % 2]
