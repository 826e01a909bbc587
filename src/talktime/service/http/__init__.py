"""The HTTP surface: routes that translate between JSON and `Talktime`, and decide nothing about time or money.

tokens    who is calling          access     whether they may
bodies    what is sent            parameters what an address says
documents what is answered
people, chats, records, service   the routes
problems  everything refused      limits     how much of anything one caller gets
health    /healthz, /readyz, /metrics
"""
