"""`sidestream chat` against the running system, as a process of its own."""

import asyncio
import os
import pty
import re
import select
import signal
import subprocess
from pathlib import Path

import pytest

from sidestream.cli.time_zone import machine_zone
from sidestream.local.model.conversation import Step
from sidestream.local.system import LocalSystem
from sidestream.store.ids import new_id
from sidestream.time_zone import time_zone
from tests.chat.client import Client
from tests.chat.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.command import COMMAND, run
from tests.tickets import delete_all, deleting, open_all, open_tickets, opening, script, tickets_of


async def _chat(system: LocalSystem, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    # In a thread, because the system that answers runs in this process.
    folder = str(system.options.folder)
    done = await asyncio.to_thread(run, "chat", "--folder", folder, *arguments, stdin=stdin)
    return done.returncode, done.stdout, done.stderr


def _thread(output: str) -> str:
    match = re.search(r"thread (thr_\w+)", output)
    assert match is not None, output
    return match[1]


async def _tickets(system: LocalSystem, user: str) -> dict[str, str]:
    """The ids of somebody's tickets, by subject."""
    async with Client(system.chat.url, system.token(user)) as client:
        return {ticket["subject"]: ticket["id"] for ticket in await tickets_of(system, client)}


async def test_one_message_shows_the_tool_call_the_words_and_the_time(system: LocalSystem) -> None:
    user = new_id("user")
    code, output, errors = await _chat(system, "--user", user, "--timing", open_all("printer"))
    assert (code, errors) == (0, "")
    assert "… Open a ticket" in output
    assert "✓ Open a ticket: printer" in output
    assert re.search(r"first word after \d+ ms", output)
    assert list(await _tickets(system, user)) == ["printer"]


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\u0085"], ids=ascii)
async def test_only_cr_and_lf_end_a_line_of_an_answer(system: LocalSystem, char: str) -> None:
    code, output, errors = await _chat(
        system, "--user", new_id("user"), script(opening("printer"), answer=f"I opened{char}it.")
    )
    assert (code, errors) == (0, "")
    assert "✓ Open a ticket" in output


NO_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("typed", "shell", "shown"),
    [
        (b"caf\xe9", {"LC_ALL": "C.UTF-8"}, "caf\ufffd"),
        (b"caf\xe9", {"LC_ALL": "en_US.UTF-8"}, "caf\ufffd"),
        ("دودھ".encode(), NO_LOCALE, "دودھ"),
    ],
    ids=["Latin-1", "Latin-1, strictly", "UTF-8 without a locale"],
)
@pytest.mark.parametrize("piped", [False, True], ids=["argument", "line"])
async def test_what_is_typed_in_another_encoding_than_the_locales_arrives(
    system: LocalSystem, typed: bytes, shell: dict[str, str], shown: str, piped: bool
) -> None:
    user, said = new_id("user"), b'!add_ticket {"subject": "' + typed + b'"}'
    folder = str(system.options.folder)
    command: list[str | bytes] = [*COMMAND, "chat", "--folder", folder, "--user", user]
    command += [] if piped else [said]

    def say() -> None:
        given, environment = said if piped else b"", {"PATH": os.environ["PATH"], **shell}
        subprocess.run(command, input=given, env=environment, check=True, timeout=60)

    await asyncio.to_thread(say)
    assert list(await _tickets(system, user)) == [shown]


async def test_thread_continues_what_was_said(system: LocalSystem) -> None:
    user = new_id("user")
    _, output, _ = await _chat(system, "--user", user, open_all("printer"))
    thread = _thread(output)
    [ticket] = (await _tickets(system, user)).values()
    code, output, _ = await _chat(system, "--user", user, "--thread", thread, delete_all(ticket))
    assert code == 0
    assert _thread(output) == thread
    assert list(await _tickets(system, user)) == []


async def test_urdu_is_answered_in_urdu(system: LocalSystem) -> None:
    user = new_id("user")
    code, output, _ = await _chat(
        system, "--user", user, "--locale", "ur", open_all("پرنٹر خراب ہے", answer="ہو گیا۔")
    )
    assert code == 0
    assert "پرنٹر خراب ہے" in output
    assert list(await _tickets(system, user)) == ["پرنٹر خراب ہے"]


@pytest.mark.parametrize(
    ("arguments", "zone"),
    [
        (["--time-zone", "Asia/Karachi"], "Asia/Karachi"),
        (["--time-zone", ":Pacific/Kiritimati"], "Pacific/Kiritimati"),  # as in TZ (POSIX)
        (["--time-zone", "PKT-5"], "UTC"),
        (["--time-zone", "کراچی"], "UTC"),
        ([], str(time_zone(machine_zone()))),
    ],
)
async def test_the_assistant_knows_the_persons_zone(
    system: LocalSystem, arguments: list[str], zone: str
) -> None:
    code, _, _ = await _chat(system, "--user", new_id("user"), *arguments, "hello")
    assert code == 0
    assert f"time zone is {zone}:" in system.model.requests[-1].body["instructions"]


async def test_conversation_takes_lines_until_the_input_ends(system: LocalSystem) -> None:
    user = new_id("user")
    code, output, errors = await _chat(
        system,
        "--user",
        user,
        stdin="\n\n".join(script(opening(each)) for each in ("printer", "login")),
    )
    assert (code, errors) == (0, "")
    assert sorted(await _tickets(system, user)) == ["login", "printer"]
    assert output.count("✓ Open a ticket") == 2


async def test_failing_model_is_said_and_the_exit_code_tells(system: LocalSystem) -> None:
    system.model.fail_next(400)
    code, output, errors = await _chat(system, "--user", new_id("user"), "hello")
    assert code == 1
    assert "Traceback" not in output + errors
    assert output.strip() != ""


async def test_ctrl_c_stops_the_run(system: LocalSystem) -> None:
    user = new_id("user")
    system.model.hold(after_words=5)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "chat", "--folder", str(system.options.folder), "--user", user,
        "Tell me a story of 200 words",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        await system.model.until(lambda: system.model.held_streams == 1)
        assert process.stdout is not None
        first = await process.stdout.readexactly(5)
        process.send_signal(signal.SIGINT)
        rest, errors = await process.communicate()
    finally:
        system.model.release()
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 130
    assert first.strip()
    assert b"Stopping" in rest
    assert b"Traceback" not in rest + errors


async def test_person_at_a_terminal_answers_a_question(system: LocalSystem) -> None:
    user = new_id("user")
    arguments = ("chat", "--folder", str(system.options.folder), "--user", user)
    async with Client(system.chat.url, system.token(user)) as client:
        ids = await open_tickets(system, client, "printer", "login")
    system.model.play(
        Step(text="Hello."), Step(calls=(*deleting(*ids.values()),)), Step(text="Gone.")
    )
    await asyncio.to_thread(_talk, arguments, ["hello", "delete both"])
    assert list(await _tickets(system, user)) == []


def _talk(arguments: tuple[str, ...], messages: list[str]) -> None:
    """Say each message at a pseudo-terminal, choose the first answer to a question, and leave."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        for message in messages:
            _read_until(ours, "you ")
            os.write(ours, f"{message}\n".encode())
        _read_until(ours, "answer ")
        os.write(ours, b"1\n")
        _read_until(ours, "you ")
        os.write(ours, b"\x04")
        _read_until(ours, "thread thr_")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(terminal: int, prompt: str) -> None:
    seen = ""
    while prompt not in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", seen):
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, seen
        seen += os.read(terminal, 65_536).decode(errors="replace")


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.TRUNCATE])
async def test_an_answer_goes_on_where_the_line_broke(system: LocalSystem, kind: Kind) -> None:
    async with FaultProxy(system.chat.url) as proxy:
        proxy.arm(Fault(kind, Way.DOWN, 6_000))
        done = await asyncio.to_thread(
            run, "chat", "--url", proxy.url, "--token", system.token(new_id("user")),
            "Tell me a story of 200 words",
        )  # fmt: skip
        assert proxy.broken == 1
    assert (done.returncode, done.stderr) == (0, "")
    story, _, _ = done.stdout.rpartition("thread thr_")
    assert len(story.split()) == 200


async def test_foreign_thread_is_one_sentence(system: LocalSystem) -> None:
    _, output, _ = await _chat(system, "--user", new_id("user"), "hello")
    code, output, errors = await _chat(
        system, "--user", new_id("user"), "--thread", _thread(output), "hello"
    )
    assert code == 1
    assert "(404)" in errors
    assert "Traceback" not in errors


async def test_deployed_address_with_a_token(system: LocalSystem) -> None:
    user = new_id("user")
    arguments = ("chat", "--url", system.chat.url, "--token", system.token(user), "hello")
    done = await asyncio.to_thread(run, *arguments)
    assert done.returncode == 0, done.stderr
    refused = await asyncio.to_thread(run, *arguments[:4], "wrong", "hello")
    assert refused.returncode == 1
    assert "(401)" in refused.stderr


def test_missing_token_and_missing_system_are_said(tmp_path: Path) -> None:
    no_token = run("chat", "--url", "http://127.0.0.1:9", "hello")
    assert no_token.returncode == 1
    assert "--token" in no_token.stderr
    nobody = run("chat", "--url", "http://127.0.0.1:9", "--token", "t", "hello")
    assert nobody.returncode == 1
    assert "Nothing answers at http://127.0.0.1:9" in nobody.stderr
    no_system = run("chat", "--folder", tmp_path, "hello")
    assert no_system.returncode == 1
    assert "make run" in no_system.stderr
