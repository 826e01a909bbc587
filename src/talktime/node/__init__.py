"""The work that a node does by itself, as long as it runs.

node            the parts of a process, and its workers
supervisor      runs the workers, whatever fails
deadlines       the worker for deadlines, and the health check
presence        the leases of this process's sockets
feed            tells all nodes and screens what has changed
hints           what nodes tell each other
fanout          how nodes tell each other: by PostgreSQL, by polling, by Redis
key_ring        the access keys that were seen in use, and whether they are still valid
clock           engine time in this process
webhooks        sends events to the addresses of hosts
webhook_sender  sends one signed message, and to no address inside the network
retention       deletes old rows that are no facts
auditor         checks the rules that must always hold
event_horizon   the event up to which a reader skips no event
"""
