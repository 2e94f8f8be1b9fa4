"""The command `usher`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import __version__
from .client import Usher
from .errors import PushError, SourceError, UsherError
from .recommendations import CONCURRENCY, PART, Summary
from .terminal import show_progress

OK, REJECTED, USAGE, CREDENTIALS = 0, 1, 2, 3
# As in sysexits.h: EX_SOFTWARE, EX_IOERR, EX_TEMPFAIL; 128 + SIGINT.
FAULT, FILES, TRY_AGAIN, INTERRUPTED = 70, 74, 75, 130

_HELP = """\
exit codes:
  0    every row is in Usher
  1    all were sent, and some were rejected: see <file>.rejected.ndjson
  2    the command, the file or the URL is wrong
  3    the service key is missing, or not accepted
  70   a fault of this command, whose traceback is printed: what was sent stays
  74   a file on this machine could not be read or written (a full disk): mend that and run the same command again
  75   Usher could not be reached, or not for now: run the same command again, it goes on where it ended
  130  interrupted: run the same command again, it goes on where it ended
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit code."""
    options = _parser().parse_args(arguments)
    key = os.environ.get("USHER_SERVICE_KEY", "").strip()
    if not options.url:
        return _fail(USAGE, "Where is Usher? Set USHER_URL, or pass --url")
    if not key:
        return _fail(CREDENTIALS, "Set USHER_SERVICE_KEY to a key with the scope `recommendations`")
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _push(options, key)
    except KeyboardInterrupt:
        return _fail(
            INTERRUPTED, "Interrupted. What was sent stays; run the command again to go on."
        )
    except PushError as error:
        _print_summary(error.summary, as_json=options.json)
        return _fail(_exit_code(error), str(error))
    except UsherError as error:
        return _fail(_exit_code(error), str(error))
    except (SourceError, ValueError) as error:
        return _fail(USAGE, str(error))
    except OSError as error:
        return _fail(FILES, f"A file on this machine could not be read or written: {error}")
    except Exception:
        # Python's own exit code would be 1, which says that all were sent.
        traceback.print_exc()
        return _fail(FAULT, "This is a fault of the command; please report it.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _push(options: argparse.Namespace, key: str) -> int:
    with Usher(options.url, key) as usher, show_progress(quiet=options.quiet) as on_progress:
        summary = usher.recommendations.push(
            Path(options.file),
            part=options.part,
            concurrency=options.concurrency,
            resume=options.resume,
            rejected=options.rejected,
            on_progress=on_progress,
        )
    _print_summary(summary, as_json=options.json)
    return REJECTED if summary.rejected_count else OK


def _exit_code(error: UsherError) -> int:
    if error.is_about_credentials:
        return CREDENTIALS
    return TRY_AGAIN if error.retryable else USAGE


def _print_summary(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary.to_json()))  # noqa: T201
    else:
        print(  # noqa: T201
            f"{summary.rows} rows: {summary.accepted} accepted, {summary.unchanged} unchanged "
            f"({summary.conflicting} conflicting), {summary.stale} stale, {summary.rejected_count} rejected; "
            f"{summary.parts} parts ({summary.resumed_parts} from before) "
            f"in {summary.seconds:.1f} s"
        )
    for warning in summary.warnings:
        print(f"usher: warning: {warning}", file=sys.stderr)  # noqa: T201


def _fail(code: int, message: str) -> int:
    print(f"usher: {message}", file=sys.stderr)  # noqa: T201
    return code


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """A scheduler ends a job with SIGTERM; it is ended as by Ctrl-C."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="usher", description="Back-office commands for an Usher gateway."
    )
    parser.add_argument("--version", action="version", version=f"usher-client {__version__}")
    topics = parser.add_subparsers(required=True, metavar="recommendations")
    verbs = topics.add_parser("recommendations", help="the nightly front pages").add_subparsers(
        required=True, metavar="push"
    )
    push = verbs.add_parser(
        "push",
        help="bring a file into Usher",
        description="Brings a .parquet, .ndjson or .ndjson.gz file into Usher. The service key comes from USHER_SERVICE_KEY.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    push.add_argument("file")
    push.add_argument(
        "--url", default=os.environ.get("USHER_URL", ""), help="where Usher is (USHER_URL)"
    )
    push.add_argument(
        "--part", type=int, default=PART, metavar="ROWS", help=f"rows of a request ({PART})"
    )
    push.add_argument(
        "--concurrency",
        type=int,
        default=CONCURRENCY,
        metavar="N",
        help=f"requests at once ({CONCURRENCY})",
    )
    push.add_argument(
        "--no-resume", dest="resume", action="store_false", help="send all, keep no journal"
    )
    push.add_argument(
        "--rejected", metavar="FILE", help="where rejected rows are listed (<file>.rejected.ndjson)"
    )
    push.add_argument("--json", action="store_true", help="print the summary as JSON")
    push.add_argument("--quiet", action="store_true", help="show no progress")
    return parser
