"""How much is owed, when the credit ends, and what happens next: pure functions of integers.

Nothing here does input or output, or reads a clock; an instant is always an argument. Read the modules in this order.

money        amounts, as whole micro-credits
decimals     decimal numbers of JSON, as integers
durations    lengths of time, as whole milliseconds
instants     points in engine time, as whole milliseconds
periods      months, days and words for them, as instants
ids          which ids, names and texts are accepted
roles        in which role a caller acts
errors       everything that talktime refuses, each with its HTTP status
arguments    which types the arguments of a method may have
actors       who asked for a change
pages        to which pages of the service a link may lead
scopes       which calls an access key may make
entries      the kinds of entries in the ledger, and who bears a refund
tariff       what an advisor's time costs
price        the price of a length of time, and the longest time that an amount pays for
terms        the advisor's share of a cost
starts       what has to happen before the timer of a new record starts
metadata     texts of the host that the meter never reads
record       a conversation time record
writing      who may write while no time runs
gifts        credit that was given, and may expire
payer        one account with its active records
steps        what a change of a payer did
posting      how a cost gets into the ledger
cuts         when credit ends
low_credit   when credit that ends soon is told of
deadlines    everything else that happens by itself
transitions  the steps that the meter is made of
outages      times in which no node could write
meter        everything that can happen to the records of a payer
credit       credit that arrives, and credit that is spent elsewhere
refunds      credit that a record gives back
proofs       who is present, from the proofs of one process
"""
