"""`clew doctor`: all that a support person would ask."""

import typer

from clew.cli.options import DataDirectoryOption, JsonOption, OrganizationOption, invocation

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    context: typer.Context,
    organization: OrganizationOption = None,
    data_dir: DataDirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check everything that Clew needs, and say what to do.

    Sets nothing up and changes nothing. The exit code is 1 if something is broken. Shows no secrets. Of a server
    elsewhere it checks the connection, the key, and what the server says of itself.
    """
    from clew.cli.diagnosis.examination import examine
    from clew.cli.diagnosis.finding import Status
    from clew.cli.diagnosis.remote import examine_remote
    from clew.cli.output import line, print_json

    call = invocation(context, as_json, organization, data_dir)
    findings = list(examine(call) if call.address is None else examine_remote(call))
    broken = any(finding.status is Status.FAIL for finding in findings)
    if call.json:
        print_json({"healthy": not broken, "findings": [finding.as_dict() for finding in findings]})
    else:
        for finding in findings:
            text = f"{finding.status:<4}  {finding.name}: {finding.detail}"
            line(text, style="" if finding.status is Status.OK else STYLES[finding.status])
            if finding.remedy:
                line(f"do: {finding.remedy}", indent=6)
    if broken:
        raise typer.Exit(1)
