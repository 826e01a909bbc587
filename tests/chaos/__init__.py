"""Chaos: people talk and pay on several nodes, and everything around them fails, from a seed.

database  a PostgreSQL of its own with a standby, a clock that lies, and the ways in which a database fails
disks     a disk that becomes full
nodes     `talktime serve` in processes of their own, each behind a relay to the database that can be cut
people    the load: users and advisors who talk, pay, write and are given back; and what was acknowledged to them
faults    what fails, from a seed
play      one run from its beginning to its verdict
patroni   three PostgreSQL under Patroni, whose leader is killed (`scripts/failover`)
"""
