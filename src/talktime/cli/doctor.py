"""`talktime doctor`: checks the rules that must always hold."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from talktime.cli.exits import ExitCode
from talktime.cli.output import AsJson, print_json, progress_bar
from talktime.cli.running import run_with_talktime
from talktime.documents.audit import Audit

if TYPE_CHECKING:
    from talktime.talktime import Talktime


def doctor(
    context: typer.Context,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First compute the totals and deadlines of broken accounts from the facts."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every rule that must always hold. The exit code is 1 if a rule is broken."""

    async def check(talktime: Talktime) -> Audit:
        audit = await talktime.audit(progress_bar("accounts"))
        if repair and audit.counts:
            await talktime.repair(audit)
            audit = await talktime.audit(progress_bar("accounts"))
        return audit

    audit = run_with_talktime(context, check)
    if audit.counts:
        print(f"talktime: rules are broken: {', '.join(map(str, sorted(audit.counts)))}", file=sys.stderr)
    if as_json:
        print_json(audit.document())
    else:
        _print_audit(audit)
    if audit.counts:
        raise typer.Exit(ExitCode.FAILED)


def _print_audit(audit: Audit) -> None:
    """What is broken, and what to do about it."""
    for rule in audit.broken():
        times = "once" if rule["count"] == 1 else f"{rule['count']} times"
        print(f"Rule {rule['rule']} is broken {times}: {rule['says']}.")
        for finding in rule["examples"]:
            print(f"  {finding['what']}: {finding['id']} of {finding['user_id']}")
            print(f"    stored: {finding['stored']}; from the facts: {finding['follows']}")
        print(f"  To do: {rule['repair']}")
    checked = f"{audit.accounts} accounts, {audit.records} records, {audit.entries} entries"
    print(f"Checked: {checked}." if audit.counts else f"Every rule holds: {checked}.")
