"""The service: HTTP, the live channel and the pages. It translates, and decides nothing about time or money.

http          the HTTP interface, `/v1`
live          the live channel, `WS /v1/live`
pages         the pages for people
connector     connects the library to its database, for the routes
serving       runs the service under uvicorn
tokens        makes and reads tokens
token_bucket  limits a rate, for HTTP and for the live channel
metrics       metrics for Prometheus
"""
