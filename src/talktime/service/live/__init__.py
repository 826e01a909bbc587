"""The live channel: one WebSocket for each screen.

routes           the address, `WS /v1/live`
screen           one socket, from its connection to its end
sign_in          who is signed in on a socket, and until when
receiving        the messages that a screen sends
message_limit    how many messages a socket may send
message_handler  does what the messages ask for
typing_signs     which signs of typing are passed on
watches          the chats that a screen watches
sending          the messages that the service sends
send_queue       sends them, in order
close_codes      why the service closes a socket
"""
