"""The commands of Homeostat."""

from __future__ import annotations

import os

import typer

from homeostat.app.garbage import collect_seldom
from homeostat.app.supervisor import ONE_THREAD
from homeostat.cli import (
    alerts,
    approvals,
    backtest,
    checkpoints,
    ci,
    consumers,
    contract,
    decisions,
    demo,
    diagnose,
    drift,
    drill,
    economics,
    explain,
    features,
    features_audit,
    features_get,
    features_rebuild,
    features_review,
    impact,
    importing,
    init,
    keys,
    latency,
    ledger,
    operate,
    performance,
    quantise,
    quarantine,
    replay,
    report,
    retrain,
    route,
    run,
    shadow,
    skew,
    slices,
    tables,
    training,
    versions,
    versions_keep,
    why,
)

app = typer.Typer(
    name="homeostat",
    help="Keep a deployed model right: serve, watch, decide, retrain, prove, roll out, take back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command takes --json: stdout is then data and nothing else; talk and errors go to stderr. Exit"
    " codes: 0 done, 1 an error that says its mend, 2 wrong usage, 3 a check found a problem, 130 interrupted.",
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("up")(run.up)
app.command("ci")(ci.ci)
app.command("status")(operate.status)
app.command("route")(route.route)
app.command("latency")(latency.latency)
app.command("performance")(performance.performance)
app.command("slices")(slices.slices)
app.command("economics")(economics.economics)
app.command("diagnose")(diagnose.diagnose)
app.command("backtest")(backtest.backtest)
app.command("explain")(explain.explain)
app.command("why")(why.why)
app.command("impact")(impact.impact)
app.command("report")(report.report)
app.command("skew")(skew.skew)
app.command("drift")(drift.drift)
app.command("rollback")(operate.rollback)
app.command("checkpoints")(checkpoints.checkpoints)
app.command("shadow")(shadow.shadow)
app.command("quantise")(quantise.quantise)
features.app.command("audit")(features_audit.audit)
features.app.command("get")(features_get.get)
features.app.command("rebuild")(features_rebuild.rebuild)
features.app.command("review")(features_review.review)
for _keeping in (versions_keep.pin, versions_keep.unpin, versions_keep.delete, versions_keep.prune):
    versions.app.command(_keeping.__name__)(_keeping)
app.add_typer(versions.app, name="versions")
app.command("replay")(replay.replay)
app.add_typer(decisions.app, name="decisions")
app.add_typer(alerts.app, name="alerts")
app.add_typer(consumers.app, name="consumers")
app.add_typer(features.app, name="features")
app.command("import")(importing.import_)
app.add_typer(tables.app, name="tables")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(contract.app, name="contract")
app.command("approvals")(approvals.approvals)
app.command("approve")(approvals.approve)
app.command("reject")(approvals.reject)
retrain.app.command("watch")(training.watch)
retrain.app.command("now")(training.now)
app.add_typer(retrain.app, name="retrain")
app.add_typer(drill.app, name="drill")
app.add_typer(ledger.app, name="ledger")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Entry point of the ``homeostat`` command, which shares the machine with serving."""
    for name, number in ONE_THREAD.items():
        os.environ.setdefault(name, number)
    collect_seldom()
    app()


if __name__ == "__main__":
    main()
