"""Where the facts are kept: PostgreSQL, one dialect everywhere.

`embedded` runs the PostgreSQL that is installed along with talktime, `migrations` are the schema's history.
"""


class DatabaseProblem(Exception):
    """The database can't be used as it is; the message tells the person who started the program what to do."""
