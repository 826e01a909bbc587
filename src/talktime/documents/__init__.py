"""The documents that people and programs are shown. Each is declared once, and its JSON and JSON Schema follow.

As pure as `core`: a receipt can be checked without a database.

document       how a document is declared
fields         the types of fields, and how JSON writes them
schema         the JSON Schema of documents
decoding       documents from their JSON
tariff         a tariff and an advisor's terms
snapshot       what a screen shows of a chat
offer          what a record would cost that begins now
account        a user's account, entries and refunds
advisor        an advisor, and the advisor's earnings
link           an address that signs a browser in
access_key     an access key, without its secret
chat           chats in lists, and the messages of a chat
page           a page of a list, and a record in a list
ledger         an entry with all three sides
csv_lines      lines of CSV that no spreadsheet takes for formulas
receipt        the receipt of a record
receipt_form   which JSON is a receipt at all
verification   whether a receipt follows from its own facts
fingerprint    the SHA-256 of a document
statement      what the records of a period brought an advisor
report         the books of a period
what_if        what past records would have cost under another tariff
old_rows       what rows of another system are
import_rows    reads rows of another system
mapping        which tables of another system have the rows of an import
import_report  what an import does, and whether it adds up
shadow         what sessions of another system would have cost, and by which rule that differs
strict_json    JSON that names each field of an object once
audit          the rules of the auditor in words, and the checks that need a price
last_audit     what the auditor of a node has seen
event          the events that hosts are told of
webhook        an address to which events are sent, and the deliveries
event_stories  how events follow from what a transaction did
"""
