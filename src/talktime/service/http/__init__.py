"""The HTTP interface: routes that translate between JSON and `Talktime`.

people       the routes of users and advisors
chats        the routes of chats, their timers and messages
records      the routes of records, receipts and refunds
events       the route of events
webhooks     the routes of webhooks
history      the routes about the past: earnings, durations, reports
ledger       the route of the entries of all users, as pages or as an export
prices       the route of prices
tokens       the route of tokens
links        the routes of links, which sign browsers in
clock        the routes of engine time and of the test clock
health       `/healthz`, `/readyz` and `/metrics`
openapi      the OpenAPI document
docs         the page `/docs`
bodies       what requests contain, and how it is checked
parameters   what addresses contain
query        refuses parameters that a call does not have
periods      the period that a call asks about
lists        a page as an answer, with a link to the next page
media_types  which form of an answer a client prefers
documents    the documents that only HTTP has
access       which calls a role may make, and for whom
limits       how many calls, and how large
idempotency  the header `Idempotency-Key`
json_bodies  reads JSON: bounded, and no field twice
slashed_ids  ids that contain a slash
origins      which other sites may use the service from a browser
hosts        under which names the service may be called
problems     errors as problem documents
problem_documents  the schema of problem documents, and an example of each code
envelope     the headers and the count of every answer
request_ids  the id of a request, in answers, problems, logs and events
disconnects  gives up requests whose clients are gone
"""
