"""`talktime demo`: the service with people to play.

app        the service with the demo's people
running    once on a data folder, with its log in a file, and in the browser
people     the people
routes     the calls below `/demo`, which do not exist under `serve`
automatic  the automatic advisor, who joins where no advisor is
answers    the texts of the automatic advisor
"""

from talktime import extras

extras.require("service")
