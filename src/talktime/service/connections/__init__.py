"""The connections of talktime's own server, and what each of them may use up.

doors      counts the connections: of the node, and of each address
http       one HTTP connection: sizes and deadlines of requests
live       one connection of the live channel: flow control, fragments and control frames
refusals   the answers to requests that are refused before they reach a route
rare_log   log lines that a flood can't multiply

Inside a host's own server only `doors` counts, and only the sockets of the live channel.
"""
