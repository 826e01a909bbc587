"""Questions: plain functions from SQL to documents.

chats          snapshots, lists of chats, messages
records        records, and the people in them
people         accounts, entries and advisors
ledger         the entries of all users
receipts       the receipt of a record
past_sessions  conversations that were imported from another system
statements     an advisor's statement
events         what happened, page by page
history        what was as of an instant, and the books of a period
kept_answers   the answers of idempotency keys, as objects
"""
