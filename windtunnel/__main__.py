"""The wind tunnel's command line: `python -m windtunnel --help`. Each command is a module of its own."""

from __future__ import annotations

import typer

from windtunnel import conformance_command, crash_command, explore_command, replay_command

app = typer.Typer(
    help="Drive the real workflows through virtual time: what a policy would have done, and what can go wrong.",
    epilog="Exit codes: 0 done; 1 a check failed; 2 wrong usage or input; 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def windtunnel() -> None:
    """Drive the real workflows through virtual time: what a policy would have done, and what can go wrong."""


app.command("replay")(replay_command.replay)
app.command("conformance")(conformance_command.conformance)
app.command("explore")(explore_command.explore)
app.command("crash")(crash_command.crash_stories)

if __name__ == "__main__":
    app(prog_name="python -m windtunnel")
