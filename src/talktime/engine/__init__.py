"""Commands, and the one transaction in which payers change.

engine       runs commands, applies what is due, reads payers
command      what a command is
tracking     the commands about time: start, track, pause, resume, stop
accounts     the commands about credit: add, debit, refund
presence     the commands about leases
timers       the timers of chats, under the names of the system that talktime replaces
batching     lets commands that arrive together share a transaction
trial        tries a command, and takes everything back
transaction  the one transaction
idempotency  keeps the first answer for each idempotency key
requests     says which requests with a key are the same
screens      the snapshots of a payer inside a transaction
lateness     how late deadlines are applied
event_log    logs what records and timers did
parties      who talks in a chat or a record
people       creates and changes users and advisors
imports      stores people, credit and past sessions of another system, each once
links        makes links, and uses them up
access_keys  makes, finds and revokes access keys
webhooks     makes and changes webhooks
messages     stores the messages of a chat
new_ids      makes ids
"""
