"""The PostgreSQL of `talktime[embedded]`. It knows nothing of talktime's tables.

embedded  the server on a data folder, shared by the processes that use the folder
cluster   one data folder and the server on it
programs  PostgreSQL's programs, and the system user that they run as
folders   the folders of a server, and who may enter them
guardian  cleans up after a program that is killed
names     the names of the database, the system user and the folders
"""

from talktime import extras

extras.require(
    "embedded", "Or use a PostgreSQL of your own: set TALKTIME_DATABASE_URL, or pass its address to Talktime.connect."
)
