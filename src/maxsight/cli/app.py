"""The command ``maxsight``: its subcommands, and how it ends after errors."""

from __future__ import annotations

import errno
import io
import sys
from contextlib import redirect_stdout
from typing import Any, TextIO, cast

import click

from maxsight.cli.ask import ask
from maxsight.cli.audit import audit
from maxsight.cli.backup import backup
from maxsight.cli.compact import compact
from maxsight.cli.copy import copy
from maxsight.cli.embed import embed
from maxsight.cli.encoders import encoders
from maxsight.cli.evaluate import evaluate
from maxsight.cli.explain import explain
from maxsight.cli.export import export
from maxsight.cli.index import index
from maxsight.cli.list import list_documents
from maxsight.cli.mcp import mcp
from maxsight.cli.output import INTERRUPTED, say
from maxsight.cli.quality import quality
from maxsight.cli.remove import remove
from maxsight.cli.search import search
from maxsight.cli.serve import serve
from maxsight.cli.status import status
from maxsight.cli.terminal import SafeStream
from maxsight.cli.verify import verify
from maxsight.errors import MaxSightError
from maxsight.version import __version__


class _Commands(click.Group):
    """Lists commands in the order of their use, and turns errors into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # Some terminals can't show every character; that must not end a search.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            with redirect_stdout(cast(TextIO, SafeStream(sys.stdout))):
                return super().invoke(ctx)
        except MaxSightError as error:
            say(f"error: {error}")
            if error.hint:
                say(f"       {error.hint}")
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            say("stopped")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of the output has closed it, as in `maxsight list | head`.
            sys.stdout = None
            sys.exit(0)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            sys.stdout = None  # else Python would try again when it ends
            say(f"error: the output can't be written: {error.strerror}")
            sys.exit(1)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="maxsight")
def main() -> None:
    """Find the page, and see why.

    maxsight indexes PDFs, images and texts into a library on this machine and finds the pages that answer a
    question, and shows which words matched.

    \b
      maxsight index docs/
      maxsight search "how much did revenue grow?"
      maxsight explain "how much did revenue grow?" report.pdf 12 --out heat.png
    """  # noqa: D301 - click reads the backspace as "keep these lines"


for _command in (
    index, search, explain, ask, serve, mcp, list_documents, remove, status, verify, compact, export, copy, backup,
    evaluate, audit, embed, encoders, quality,
):  # fmt: skip
    main.add_command(_command)
