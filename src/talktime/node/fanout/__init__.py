"""How the nodes of one database tell each other that something has changed.

interface  what every fan-out does
choice     the fan-out of the settings
postgres   by notifications of PostgreSQL, heard on a connection of its own
polling    by asking the tables, where connections can't listen
redis      by channels of Redis or Valkey: a node hears only the accounts that its screens show
"""
