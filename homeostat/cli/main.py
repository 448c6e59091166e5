"""The commands of Homeostat."""

from __future__ import annotations

import typer

from homeostat.cli import demo, ledger, operate, report, run

app = typer.Typer(
    name="homeostat",
    help="Keep a deployed model right: serve, watch, decide, retrain, prove, roll out, take back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(demo.demo)
app.command("up")(run.up)
app.command("status")(operate.status)
app.command("decisions")(operate.decisions)
app.command("versions")(operate.versions)
app.command("report")(report.report)
app.command("rollback")(operate.rollback)
app.add_typer(ledger.app, name="ledger")


def main() -> None:
    """Entry point of the ``homeostat`` command."""
    app()


if __name__ == "__main__":
    main()
