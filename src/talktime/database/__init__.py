"""Facts in and out of PostgreSQL.

`sql/queries.sql` has every statement, `sql/invariants.sql` the rules of the auditor, and `migrations` the schema.

pool               connections
queries            the statements, by name
migrate            brings the schema of a database up to date
loading            reads payers
saving             writes the changes of a transaction
payer_transaction  one payer inside a transaction
record_rows        a row of `records` as a `Record`, and back
"""
