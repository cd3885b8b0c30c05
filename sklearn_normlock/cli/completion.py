"""``normlock completion``: print the script that makes a shell complete commands, options and their choices."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from .outcome import MATCH

HELP = "print a script that makes a shell complete the command"
DESCRIPTION = (
    'Prints a script for a shell. For bash: eval "$(normlock completion bash)". For zsh: the same with zsh, after '
    "compinit. For fish: normlock completion fish | source. Files are completed where a file is expected."
)
SHELLS = ("bash", "zsh", "fish")

# The words after an option that has choices, or after a command, are looked up under "COMMAND" or "COMMAND --option".
_BASH = """\
_normlock() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=
  [ "$COMP_CWORD" -eq 1 ] && command= before=
  case "$command $before" in
{choices}
    *) case "$command" in
{options}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  {{ [ "${{#COMPREPLY[@]}}" -gt 0 ] || [ "$COMP_CWORD" -eq 1 ]; }} && return
  local IFS=$'\\n'  # a name may have spaces
  COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _normlock normlock
"""


class Completed(NamedTuple):
    """The words that a shell may complete: an option of a command, its choices, and whether a file follows it."""

    command: str
    options: tuple[str, ...]
    choices: tuple[str, ...]
    help: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that the script is for")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    print(script(arguments.shell), end="")
    return MATCH


def script(shell: str) -> str:
    """Return the script for a shell, made from the parser of the command itself."""
    from . import make_parser

    commands, options = _read(make_parser())
    if shell == "fish":
        return _fish(commands, options)
    bash = _bash(commands, options)
    return bash if shell == "bash" else f"autoload -U +X bashcompinit && bashcompinit\n{bash}"


def _read(parser: argparse.ArgumentParser) -> tuple[dict[str, str], list[Completed]]:
    """Return the commands with their help, and what is completed after each."""
    (subparsers,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    commands = {action.dest: action.help or "" for action in subparsers._choices_actions}
    found = [Completed("", tuple(action.option_strings), (), action.help or "") for action in _options(parser)]
    for name, subparser in subparsers.choices.items():
        for action in subparser._actions:
            found.append(
                Completed(name, tuple(action.option_strings), tuple(map(str, action.choices or ())), action.help or "")
            )
    return commands, found


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    return (action for action in parser._actions if action.option_strings)


def _bash(commands: dict[str, str], completed: list[Completed]) -> str:
    choices, options = [], []
    for command in ("", *commands):
        own = [each for each in completed if each.command == command]
        words = [word for each in own for word in each.options or each.choices]
        words += commands if not command else ()
        options.append(f'      {command or chr(34) * 2}) words="{" ".join(words)}" ;;')
        for each in own:
            if each.options and each.choices:
                cases = " | ".join(f'"{command} {option}"' for option in each.options)
                choices.append(f'    {cases}) words="{" ".join(each.choices)}" ;;')
    return _BASH.format(choices="\n".join(choices), options="\n".join(options))


def _fish(commands: dict[str, str], completed: list[Completed]) -> str:
    lines = [
        f"complete -c normlock -n __fish_use_subcommand -f -a {name} -d {_quoted(text)}"
        for name, text in commands.items()
    ]
    for each in completed:
        where = f"__fish_seen_subcommand_from {each.command}" if each.command else "__fish_use_subcommand"
        line = f"complete -c normlock -n {_quoted(where)} -d {_quoted(each.help)}"
        for option in each.options:
            line += f" -l {option[2:]}" if option.startswith("--") else f" -s {option[1:]}"
        if each.choices:
            line += (
                f" -x -a {_quoted(' '.join(each.choices))}"
                if each.options
                else f" -f -a {_quoted(' '.join(each.choices))}"
            )
        if each.options or each.choices:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
