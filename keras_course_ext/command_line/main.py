"""The command `keras-course-ext`: its arguments, its output and its exit status."""

import argparse
import sys
from collections.abc import Sequence

from keras_course_ext._language import LANGUAGES
from keras_course_ext._version import __version__
from keras_course_ext.command_line.compare import compare
from keras_course_ext.command_line.diagnose import diagnose
from keras_course_ext.command_line.plot import KINDS, plot
from keras_course_ext.command_line.report import report

FINE, FOUND, WRONG = 0, 1, 2
"""Exit status: no findings; findings; a file or an argument that cannot be used."""

_EPILOG = """\
RECORD is a file that a GradientMonitor wrote: with sinks=["record.jsonl"] while training runs,
or with monitor.history.save("record.jsonl") or "record.json" after it.

exit status:
  0  no findings
  1  findings; of `compare` those of the second record, of `plot` never
  2  a file or an argument that cannot be used
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after its name; None for those of the process.

    Returns:
        The exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        found = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has ended
        sys.stderr.close()
        return WRONG
    except (OSError, ValueError, ImportError) as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return WRONG
    return FOUND if found else FINE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-course-ext",
        description="Read the record of a training run and say what is wrong with its gradients.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON, for programs")
    common.add_argument("--language", choices=LANGUAGES, help="of all text (default: en)")

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=text, description=text)
        command.set_defaults(run=run)
        return command

    one = add("report", report, "Print a table of the layers and the findings.")
    one.add_argument("record", metavar="RECORD")
    one.add_argument("--html", metavar="FILE", help="write a self-contained page to FILE, too")
    one = add("plot", plot, "Draw a picture of the record.")
    one.add_argument("record", metavar="RECORD")
    one.add_argument("picture", metavar="FILE", help="a .png, .svg or .pdf")
    one.add_argument("--kind", choices=KINDS, default=KINDS[0], help="(default: %(default)s)")
    one = add("diagnose", diagnose, "Print the findings only.")
    one.add_argument("record", metavar="RECORD")
    one = add("compare", compare, "Print two runs side by side, and the findings of each.")
    one.add_argument("record", metavar="RECORD")
    one.add_argument("other", metavar="OTHER")
    return parser
