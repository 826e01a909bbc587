"""What people and programs are shown. Each document is declared once, and its JSON and JSON Schema follow from that.

As pure as `core`: a receipt can be checked without a database.

document      how a document is declared
fields        the types of fields, and how JSON writes them
schema        the JSON Schema of documents
tariff        a tariff and an advisor's terms
snapshot      what a screen shows of a chat
account       a user's account, entries and refunds
advisor       an advisor, and the advisor's earnings
chat          chats in lists, and the messages of a chat
receipt       the receipt of a record
receipt_form  which JSON is a receipt at all
verification  whether a receipt follows from its own facts
fingerprint   the SHA-256 of a document
statement     what the records of a period brought an advisor
report        the books of a period
what_if       what past records would have cost under another tariff
audit         the rules of the auditor in words, and the checks that need a price
"""
