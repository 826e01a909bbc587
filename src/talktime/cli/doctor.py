"""`talktime doctor`: checks the rules that must always hold."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from talktime.cli.connecting import database_in_words, run_with_talktime
from talktime.cli.exits import ExitCode
from talktime.cli.output import AsJson, print_json, progress_bar
from talktime.documents.audit import Audit

if TYPE_CHECKING:
    from talktime.talktime import Talktime


_LAG_SECONDS_MAX: Final = 10


def doctor(
    context: typer.Context,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First compute the totals and deadlines of broken accounts from the facts."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every rule that must always hold, and the schema. The exit code is 1 if a rule or the schema is broken."""

    async def check(talktime: Talktime) -> Audit:
        print(f"talktime doctor: the database is {database_in_words(talktime.settings)}", file=sys.stderr)
        for trouble in await _troubles(talktime):
            print(f"talktime: {trouble}", file=sys.stderr)
        audit = await talktime.audit(progress_bar("accounts"))
        if repair and audit.counts:
            await talktime.repair(audit)
            audit = await talktime.audit(progress_bar("accounts"))
        return audit

    audit = run_with_talktime(context, check)
    if audit.counts:
        print(f"talktime: rules are broken: {', '.join(map(str, sorted(audit.counts)))}", file=sys.stderr)
    if audit.schema_faults:
        print(
            f"talktime: the schema of the database is not complete: {len(audit.schema_faults)} faults", file=sys.stderr
        )
    if as_json:
        print_json(audit.document())
    else:
        _print_audit(audit)
    if audit.counts or audit.schema_faults:
        raise typer.Exit(ExitCode.FAILED)


async def _troubles(talktime: Talktime) -> list[str]:
    """The faults of all nodes now. No charge is wrong because of them."""
    counts = await talktime.counts()
    troubles: list[str] = []
    if counts["running"] and not counts["nodes"]:
        troubles.append("no node is running, so nobody applies deadlines")
    if counts["deadline_lag_seconds"] > _LAG_SECONDS_MAX:
        troubles.append(f"the oldest deadline is overdue by {counts['deadline_lag_seconds']:.0f} s")
    return troubles + await talktime.node.troubles()


def _print_audit(audit: Audit) -> None:
    """Print the broken rules, each with what to do."""
    for rule in audit.broken():
        times = "once" if rule["count"] == 1 else f"{rule['count']} times"
        print(f"Rule {rule['rule']} is broken {times}: {rule['says']}.")
        for finding in rule["examples"]:
            print(f"  {finding['what']}: {finding['id']} of {finding['user_id']}")
            print(f"    stored: {finding['stored']}; from the facts: {finding['follows']}")
        print(f"  To do: {rule['repair']}")
    for fault in audit.schema_faults:
        print(f"The schema of the database is not complete: {fault}")
    if audit.schema_faults:
        print("  To do: restore a dump of the whole database, or run each definition as its owner.")
    checked = f"{audit.accounts} accounts, {audit.records} records, {audit.entries} entries"
    print(f"Checked: {checked}." if audit.counts else f"Every rule holds: {checked}.")
    if audit.lately is not None:
        clock, held = audit.lately.clock_corrections, audit.lately.clock_held_seconds
        print(f"Engine time: {clock} corrections ever; now the clock of the database's server {held:+.3f} s.")
        print(f"Outages in the last day: {audit.lately.outages}, together {audit.lately.outage_seconds:.1f} s.")
