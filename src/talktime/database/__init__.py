"""Facts in and out of PostgreSQL, one dialect everywhere."""
