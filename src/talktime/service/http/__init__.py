"""The HTTP interface: routes that translate between JSON and `Talktime`.

people       the routes of users and advisors
chats        the routes of chats, their timers and messages
records      the routes of records, receipts and refunds
history      the routes about the past: earnings, durations, reports
prices       the route of prices
tokens       the route of tokens
clock        the routes of engine time and of the test clock
health       `/healthz`, `/readyz` and `/metrics`
openapi      the OpenAPI document
docs         the page `/docs`
bodies       what requests contain, and how it is checked
parameters   what addresses contain
documents    the documents that only HTTP has
access       which calls a role may make, and for whom
limits       how many calls, and how large
idempotency  the header `Idempotency-Key`
json_bodies  refuses JSON that names a field twice
addresses    ids that contain a slash
origins      which other sites may use the service from a browser
problems     errors as problem documents
problem_documents  the schema of problem documents, and an example of each code
envelope     the headers and the count of every answer
"""
