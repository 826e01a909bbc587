"""`talktime demo`: the service with people to play.

people     the people, and their calls below `/demo`, which do not exist under `serve`
automatic  the automatic advisor, who joins where no advisor is
answers    the texts of the automatic advisor
"""

from talktime import extras

extras.require("service")
