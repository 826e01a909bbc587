"""What people type about people and records: `talktime user …`, `advisor …`, `record …`. The rest is in `cli`.

users, advisors, records   the commands       arguments   what they are given, and what of it is refused
"""

from talktime.cli.app import app, main

__all__ = ["app", "main"]
