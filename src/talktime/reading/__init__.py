"""Questions: plain functions from SQL to documents.

chats       snapshots, lists of chats, messages
records     records, and the people in them
people      accounts, entries and advisors
receipts    the receipt of a record
statements  an advisor's statement
history     what was as of an instant, and the books of a period
"""
