"""Facts in and out of PostgreSQL.

`sql/queries.sql` has every statement, `sql/invariants.sql` the rules of the auditor, and `migrations` the schema.

pool               connections, and a deadline for every wait
addresses          the address of a database, and what a message shows of it
rights             the rights that a database and a role must give
connecting         opens one connection, to one of several servers
poolers            whether a transaction pooler stands in between
failures           which errors mean that the database can't be used
queries            the statements, by name
schema             what the schema consists of
migrate            brings the schema of a database up to date
loading            reads payers
old_tables         the tables of another system, for an import
saving             writes the changes of a transaction
payer_transaction  one payer inside a transaction
event_rows         the events that a transaction stores with its facts
record_rows        a row of `records` as a `Record`, and back
"""
