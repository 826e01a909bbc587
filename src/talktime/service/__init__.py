"""The service: HTTP, the live channel and the pages. It translates, and decides nothing about time or money.

http          the HTTP interface, `/v1`
live          the live channel, `WS /v1/live`
pages         the pages for people
connections   the connections of talktime's own server: sizes, deadlines, counts
connector     connects the library to its database, for the routes
serving       runs the service under uvicorn
workers       several processes at one address
sockets       the sockets at which the service listens
proxies       what a proxy in front of the server says about a request
tokens        makes and reads tokens
identity      reads the tokens of a host's own identity
credentials   reads what a caller sends: a token or an access key
budgets       how much one caller may do, over HTTP and the live channel
token_bucket  limits a rate
metrics       metrics for Prometheus
telemetry     OpenTelemetry, if it is asked for
"""
