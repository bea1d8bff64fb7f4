"""The command line: `bosai --help`. Every command that reports takes `--json`; data commands take `--data-dir`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from redis.exceptions import RedisError

from bosai.commands import files, imports, people, plans, prekeys, running, simulate
from bosai.commands.output import Stopped
from bosai.errors import BosaiError, InvalidInput
from bosai.messages.error_texts import error_text
from bosai.model.staff import Role
from bosai.redis_program import RedisServerError
from bosai.settings import Settings, SettingsInvalid, load_settings
from geodata.errors import GeodataError

Command = Callable[[Settings, argparse.Namespace], Awaitable[int]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. 0 done, 1 done with rejects or not possible, 2 wrong usage."""
    args = _parser().parse_args(argv)
    try:
        settings = load_settings(args.settings, os.environ, _overrides(args))
        command: Command = args.command
        return asyncio.run(_awaited(command, settings, args))
    except Stopped as error:
        return _refuse(str(error), error.status)
    except (SettingsInvalid, RedisServerError) as error:
        return _refuse(str(error))
    except GeodataError as error:
        return _refuse(f"{error.ja} / {error}")
    except RedisError as error:
        return _refuse(
            f"Redis が答えません。[redis] url を確かめてください。 / Redis does not answer: {error}"
        )
    except InvalidInput as error:  # its mend speaks of a form that is sent
        words = error_text(error, "ja")
        return _refuse(f"{words.title} {words.detail} 直してから、もう一度実行してください。")
    except BosaiError as error:
        words = error_text(error, "ja")
        return _refuse(f"{words.title} {words.detail} {words.mend}")
    except FileNotFoundError as error:
        return _refuse(f"ファイルがありません / no such file: {error.filename}")
    except OSError as error:
        return _refuse(f"使えません / can't be used: {error.filename or ''} {error.strerror or error}")
    except KeyboardInterrupt:
        return 130


async def _awaited(command: Command, settings: Settings, args: argparse.Namespace) -> int:
    return await command(settings, args)


def _refuse(sentence: str, status: int = 1) -> int:
    print(f"bosai: {' '.join(sentence.split())}", file=sys.stderr)
    return status


def _overrides(args: argparse.Namespace) -> dict[str, object]:
    given: dict[str, object] = {}
    if args.data_dir is not None:
        given["data.dir"] = str(args.data_dir)
    if getattr(args, "port", None) is not None:
        given["web.port"] = args.port
    return given


def _common_flags(default: object = None) -> tuple[argparse.ArgumentParser, ...]:
    """The flags that commands have in common: where, where and how to answer, which side. `default` SUPPRESS leaves
    alone what stands before the name of an action."""
    where = argparse.ArgumentParser(add_help=False, argument_default=default)
    where.add_argument("--data-dir", type=Path, help="data folder (default: [data] dir)")
    where.add_argument("--settings", type=Path, help="a TOML file with the settings that differ")
    shared = argparse.ArgumentParser(add_help=False, parents=[where], argument_default=default)
    shared.add_argument("--json", action="store_true", help="answer as JSON")
    drill = argparse.ArgumentParser(add_help=False, argument_default=default)
    drill.add_argument("--drill", action="store_true", help="the drill side (訓練) instead of the live one")
    return where, shared, drill


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bosai", description="プッシュ型避難誘導 / disaster push guidance")
    where, shared, drill = _common_flags()
    sub = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(
        name: str,
        command: Command,
        words: str,
        *parents: argparse.ArgumentParser,
        common: argparse.ArgumentParser = shared,
    ) -> argparse.ArgumentParser:
        made = sub.add_parser(name, help=words, description=words, parents=[common, *parents])
        made.set_defaults(command=command)
        return made

    add("setup", running.setup, "prepare data folder, keys, sample city and first accounts, without starting")
    run = add("run", running.run, "start everything on this machine")
    run.add_argument("--port", type=int, help="port of the web pages")
    web = add("web", running.web, "one web process against [redis] url")
    web.add_argument("--port", type=int)
    worker = add("worker", running.worker, "one worker against [redis] url")
    worker.add_argument("name", choices=running.WORKERS)

    taking = add("import", imports.import_files, "read files of facts: added, changed, gone, rejected")
    taking.add_argument("kind", choices=imports.KINDS, help=imports.WHAT_IT_TAKES)
    taking.add_argument(
        "files", nargs="+", type=Path, metavar="file", help="zip and gzip are read as they are"
    )
    taking.add_argument(
        "--municipality", help="sites, for prefecture files: take only this one (default: the city's name)"
    )
    taking.add_argument(
        "--many-may-go",
        action="store_true",
        help="take a file although much of what is known is missing from it (else it is refused as a part of one)",
    )
    taking.add_argument(
        "--layer",
        help="hazards: which layer a file is, where it can be several; hazards, roads: a table of the settings",
    )
    taking.add_argument(
        "--epsg", type=int, help="hazards, elevation: the coordinate system, where the file says none"
    )
    taking.add_argument(
        "--as",
        dest="as_",
        choices=imports.PLACE_FILES,
        help="places: what the file is, where its content does not tell",
    )

    feed = add("feed", files.feed, "look at or replay JMA telegrams, or read the kept ones again", drill)
    _, *flags = _common_flags(argparse.SUPPRESS)
    files.feed_actions(feed, flags)

    staff = add("staff", people.staff, "officers' accounts")
    staff.add_argument("action", choices=["add", "renew", "list"], help="renew: lost password or phone")
    staff.add_argument("name", nargs="?")
    staff.add_argument("--role", choices=[role.value for role in Role])
    staff.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    desk = add("desk", people.desk, "a shelter's link and PIN (the old link stops working)", drill)
    desk.add_argument("action", choices=["link"])
    desk.add_argument("site", help="site id, or the exact name")

    pairs = add("prekeys", prekeys.prekeys, "one-time keys for fast sending, of both sides")
    pairs.add_argument("action", choices=["status", "fill"], help="fill: now, not in the quiet hours")

    why = "why somebody was told this, or what would be told at a point"
    plans.explain_flags(add("explain", plans.explain, why, drill))
    plans.replay_flags(
        add("replay", plans.replay_plan, "make a recorded plan again: 0 when it is the same", drill)
    )

    simulate.flags(
        add(
            "simulate",
            simulate.simulate,
            "play a made emergency, with our guidance and without; sends nothing",
            common=where,  # its --json may name a file
        )
    )
    add("verify-audit", people.verify_audit, "check the hash chain of the audit log", drill)
    add("doctor", people.doctor, "what this machine has and lacks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
