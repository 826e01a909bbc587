"""Commands, and the one transaction in which payers change.

engine       runs commands, applies what is due, reads payers
command      what a command is
tracking     the commands about time: start, track, pause, resume, stop
accounts     the commands about credit: add, debit, refund
presence     the commands about leases
batching     lets commands that arrive together share a transaction
transaction  the one transaction
idempotency  keeps the first answer for each idempotency key
screens      the snapshots of a payer inside a transaction
event_log    logs what records and timers did
parties      who talks in a chat or a record
people       creates and changes users and advisors
messages     stores the messages of a chat
new_ids      makes ids
"""
