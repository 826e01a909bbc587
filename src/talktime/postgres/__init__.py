"""The PostgreSQL that comes along with `talktime[embedded]`. It knows nothing of talktime's tables."""

from talktime import extras

extras.require("embedded")
