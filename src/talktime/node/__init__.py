"""What a process does by itself, as long as it runs.

node       the parts of a process, and its workers
deadlines  applies deadlines, writes checkpoints, checks that timers run
presence   the leases of this process's sockets
feed       tells all nodes and screens what has changed
clock      engine time in this process
auditor    checks the rules that must always hold
"""
