"""`talktime demo`: the service with people to be, and somebody who answers.

people     who there is, and their calls under /demo; none of it exists under `serve`
automatic  the automatic advisor in an empty seat
answers    what it says
"""

from talktime import extras

extras.require("service")
