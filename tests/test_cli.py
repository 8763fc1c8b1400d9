"""The command line as a person runs it, against a real server on a port, with fakes for search and answers.

Most commands run inside this process, which spares each a second of imports; what ends, signals or starts processes
runs in one of its own.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from api import cli
from api.cli_render import moment_lines
from api.cli_server import find_server, reach_server
from core.errors import TryAgain
from core.records import Evidence, Modality, Reason, ReasonKind
from core.settings import Settings
from tests.served import Served, answer_of, moment_of, serve_library

HEAVY = ("torch", "httpx", "fastapi", "transformers", "qdrant_client", "sqlalchemy", "pydantic")
RUN_TIMEOUT_S = 60


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def clean_environment(**variables: object) -> dict[str, str]:
    """Return the caller's environment without its Kinograph settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KINOGRAPH_")}
    return kept | {name: str(value) for name, value in variables.items()}


def run_process(*arguments: object, **variables: object) -> Done:
    """Run ``kinograph`` as a process of its own."""
    command = [sys.executable, "-m", "api.cli", *map(str, arguments)]
    done = subprocess.run(
        command,
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs ``kinograph`` in this process."""

    def run(*arguments: object, **variables: object) -> Done:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("KINOGRAPH_")]:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, str(value))
            patch.setattr(sys, "argv", ["kinograph", *map(str, arguments)])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve_library(tmp_path / "server") as served:
        yield served


@pytest.fixture
def run(run_cli: Run, served: Served, tmp_path: Path) -> Run:
    """Return a function that runs a command against the served library."""

    def run(*arguments: object) -> Done:
        return run_cli(*arguments, KINOGRAPH_URL=served.url, KINOGRAPH_HOME=tmp_path / "home")

    return run


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "Opening talk.mp4"
    path.write_text("video 20 s of it")
    return path


def add_ready(run: Run, served: Served, path: Path, title: str = "Opening talk") -> tuple[str, list[Evidence]]:
    """Add a file, index it as a worker would, and return the id and evidence of the video."""
    done = run("add", path, "--title", title, "--json")
    assert done.returncode == 0, done.stderr
    video_id: str = json.loads(done.stdout)["videos"][0]["id"]
    served.plan(video_id, 20)
    evidence = served.publish_part([(4, Modality.SPEECH, "Ada keeps a [red] notebook.")])
    evidence += served.publish_part([(13, Modality.SCREEN, "CHAPTER TWO")])
    served.finish(video_id)
    return video_id, evidence


def test_help_is_light(run_cli: Run) -> None:
    loaded = f"import sys, api.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True).strip() == "[]"
    done = run_cli("--help")
    assert done.returncode == 0
    commands = ["serve", "worker", "add", "list", "search", "ask", "show", "export", "delete", "reindex", "rebuild"]
    commands += ["models", "doctor", "eval", "bench", "demo"]
    assert [command for command in commands if command not in done.stdout] == []


def test_an_added_file_is_listed(run: Run, talk: Path) -> None:
    done = run("add", talk)
    assert done.returncode == 0, done.stderr
    assert "Opening talk" in done.stdout
    listed = run("list")
    assert "Opening talk" in listed.stdout
    assert "0:20" in listed.stdout
    assert "uploaded" in listed.stdout
    again = run("add", talk)
    assert again.returncode == 0
    assert again.stderr.strip() == "Opening talk.mp4 is in the library already, as “Opening talk”"
    retitled = run("add", talk, "--title", "Closing talk")
    assert retitled.stderr.strip().endswith("as “Opening talk”; --title did not change it")
    assert len(json.loads(run("list", "--json").stdout)["videos"]) == 1


def test_waiting_follows_the_video_until_it_is_ready(run: Run, served: Served, talk: Path) -> None:
    def index() -> None:
        while not (videos := served.services.catalogue.list_videos("default").items):
            time.sleep(0.05)
        served.plan(videos[0].id, 20)
        served.publish_part([(4, Modality.SPEECH, "Hello.")])
        served.publish_part([(13, Modality.SPEECH, "Goodbye.")])
        served.finish(videos[0].id)

    worker = threading.Thread(target=index)
    worker.start()
    done = run("add", talk, "--wait", "--json")
    worker.join()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["videos"][0]["status"] == "ready"


def test_what_could_not_be_read_is_said_with_the_video(run: Run, served: Served, talk: Path) -> None:
    video_id = json.loads(run("add", talk, "--json").stdout)["videos"][0]["id"]
    served.plan(video_id, 20)
    served.publish_part([(4, Modality.SPEECH, "Hello.")], warnings=["The file ends at 0:07."])
    served.publish_part([])
    served.finish(video_id)
    done = run("add", talk, "--wait")
    assert done.returncode == 0, done.stderr
    assert "ready with 1 warning" in done.stdout
    assert "Opening talk: The file ends at 0:07." in done.stderr


def test_a_refused_file_does_not_stop_the_others(run: Run, talk: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no media at all")
    done = run("add", notes, talk)
    assert done.returncode == 1
    assert done.stderr.strip() == "kinograph: the file is not media. Upload a video or audio file."
    assert "Opening talk" in done.stdout


def test_a_search_shows_moments(run: Run, served: Served, talk: Path) -> None:
    _, (said, shown) = add_ready(run, served, talk)
    served.finder.moments = (moment_of(said, matched="notebook", title="Opening talk"), moment_of(shown))
    done = run("search", "a red notebook", "--limit", 5)
    assert done.returncode == 0, done.stderr
    assert "0:04–0:06  Opening talk  spoken  0.90" in done.stdout
    assert "Ada keeps a [red] notebook." in done.stdout
    only = run("search", "chapter", "--modality", "screen", "--video", "opening TALK", "--json")
    assert [moment["modality"] for moment in json.loads(only.stdout)["moments"]] == ["screen"]
    assert served.finder.requests[-1].limit == 10
    served.finder.moments = ()
    empty = run("search", "a zebra")
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "Nothing in the library fits." in empty.stderr


def test_a_video_found_by_its_title_says_so(run: Run, served: Served, talk: Path) -> None:
    _, (said, _) = add_ready(run, served, talk)
    reason = Reason(Modality.METADATA, 0.9, matched="talk", kind=ReasonKind.TITLE)
    found = moment_of(said, title="Opening talk")
    served.finder.moments = (replace(found, modality=Modality.METADATA, evidence=(), reasons=(reason,)),)
    assert "0:04–0:06  Opening talk  title  0.90" in run("search", "talk").stdout


def test_a_least_score_cuts_what_fits_less(run: Run, served: Served, talk: Path) -> None:
    _, (said, shown) = add_ready(run, served, talk)
    served.finder.floor = 0.3
    served.finder.moments = (moment_of(said, score=0.5), moment_of(shown, score=0.2))

    def scores(*wishes: object) -> list[float]:
        return [moment["score"] for moment in json.loads(run("search", "x", "--json", *wishes).stdout)["moments"]]

    assert scores() == [0.5]
    assert scores("--min-score", 0) == [0.5, 0.2]
    assert scores("--min-score", 0.6) == []
    assert "add --min-score 0" in run("search", "x", "--min-score", 0.6).stderr
    served.finder.moments = ()
    assert "--min-score" not in run("search", "x", "--min-score", 0).stderr


@pytest.mark.parametrize(
    ("text", "matched"), [("Ada keeps a [red] notebook.", "Ada red"), ("一定要用这个辈子固定器。", "子固定器")]
)
def test_words_that_matched_are_marked_in_any_script(text: str, matched: str) -> None:
    reasons = [{"evidence_id": "e", "matched": matched.casefold()}]
    (line,) = moment_lines({"evidence": [{"text": text, "translation": None}], "reasons": reasons})
    assert [text[mark.start : mark.end] for mark in line.spans] == matched.split()


@pytest.mark.parametrize("command", ["search", "ask", "show"])
def test_bytes_that_are_no_text_are_one_line_with_what_to_do(run: Run, command: str) -> None:
    done = run(command, os.fsdecode(b"caf\xe9"))
    assert done.returncode == 1
    assert done.stderr.startswith("kinograph: ")
    assert done.stderr.count("\n") == 1


def test_a_file_is_added_whatever_bytes_its_name_has(run: Run, talk: Path) -> None:
    odd = talk.with_name(os.fsdecode(b"caf\xe9.mp4"))
    talk.rename(odd)
    refused = run("add", odd, "--title", os.fsdecode(b"\xff"))
    assert refused.returncode == 1
    assert "is no text" in refused.stderr
    done = run("add", odd, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["videos"][0]["filename"] == "caf?.mp4"


def test_an_answer_comes_with_its_sources(run: Run, served: Served, talk: Path) -> None:
    _, (said, _) = add_ready(run, served, talk)
    served.answerer.reply = answer_of("It is red [1].", said, title="Opening talk")
    done = run("ask", "What colour is the notebook?")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It is red [1].")
    assert "[1] Opening talk  0:04–0:06" in done.stdout
    assert "configure a model" in done.stdout
    assert json.loads(run("ask", "What?", "--json").stdout)["citations"][0]["marker"] == "[1]"
    served.answerer.error = TryAgain("the model is away", remedy="Start it.")
    failed = run("ask", "What?")
    assert failed.returncode == 1
    assert failed.stderr.strip() == "kinograph: the model is away. Start it."


def test_a_video_is_named_by_id_prefix_or_title(run: Run, served: Served, talk: Path, tmp_path: Path) -> None:
    video_id, _ = add_ready(run, served, talk)
    for name in (video_id, video_id[:8], "Opening talk", "opening TALK"):
        assert json.loads(run("show", name, "--json").stdout)["id"] == video_id
    assert f"{served.url}/#v={video_id}" in run("show", "Opening talk").stdout
    missing = run("show", "Closing talk")
    assert missing.returncode == 1
    assert missing.stderr.strip() == "kinograph: there is no video 'Closing talk'. See `kinograph list`."
    twin = tmp_path / "twin.mp4"
    twin.write_text("video 30 s of another")
    run("add", twin, "--title", "Opening talk")
    ambiguous = run("show", "Opening talk")
    assert ambiguous.returncode == 1
    assert "fits 2 videos" in ambiguous.stderr


def test_transcripts_are_exported(run: Run, served: Served, talk: Path, tmp_path: Path) -> None:
    add_ready(run, served, talk)
    assert run("export", "Opening talk").stdout.startswith("WEBVTT\n\n00:00:04.000 --> 00:00:06.000\nAda keeps")
    target = tmp_path / "talk.srt"
    assert run("export", "Opening talk", "--format", "srt", "--output", target).returncode == 0
    assert target.read_text().startswith("1\n00:00:04,000 --> 00:00:06,000\n")
    assert json.loads(run("export", "Opening talk", "--json").stdout)["cues"][0]["start_s"] == 4


def test_deleting_wants_to_be_confirmed(run: Run, talk: Path) -> None:
    run("add", talk)
    refused = run("delete", "Opening talk")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    done = run("delete", "Opening talk", "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads(run("list", "--json").stdout) == {"videos": []}


def test_the_key_is_sent_and_its_absence_explained(run_cli: Run, tmp_path: Path) -> None:
    with serve_library(tmp_path, api_key=SecretStr("sesame")) as served:
        refused = run_cli("list", KINOGRAPH_URL=served.url)
        assert refused.returncode == 1
        assert "Set KINOGRAPH_API_KEY" in refused.stderr
        assert run_cli("list", KINOGRAPH_URL=served.url, KINOGRAPH_API_KEY="sesame").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "said"),
    [
        (["list"], {"KINOGRAPH_URL": "http://127.0.0.1:9"}, 1, "no server answers at http://127.0.0.1:9"),
        (["list"], {"KINOGRAPH_PORT": "high"}, 1, "KINOGRAPH_PORT: Input should be a valid integer"),
        (["add", "no such file.mp4"], {}, 2, "does not exist"),
        (["search", "x", "--limit", "0"], {}, 2, "--limit"),
        (["search", "x", "--min-score", "2"], {}, 2, "a score is a number from 0 to 1"),
        (["search", "x", "--min-score", "nan"], {}, 2, "a score is a number from 0 to 1"),
        (["frobnicate"], {}, 2, "No such command"),
    ],
)
def test_errors_are_one_line_with_what_to_do(
    run_cli: Run, arguments: list[str], variables: dict[str, str], status: int, said: str
) -> None:
    done = run_cli(*arguments, **variables)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_server_live_on_this_home_is_used(served: Served, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path)
    assert find_server(settings) is None
    (tmp_path / "server.json").write_text(json.dumps({"url": served.url, "pid": os.getpid()}))
    found = find_server(settings)
    assert found is not None
    assert (found.url, found.is_ours) == (served.url, False)
    (tmp_path / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": 1}))
    assert find_server(settings) is None


def test_a_server_is_started_for_the_duration_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOGRAPH_HOME", str(tmp_path))
    with reach_server(Settings(_env_file=None), n_workers=0) as server:
        assert server.is_ours
        announced = json.loads((tmp_path / "server.json").read_text())
        assert announced["url"] == server.url
        assert run_process("list", "--json", KINOGRAPH_HOME=tmp_path).stdout.split() == ["{", '"videos":', "[]", "}"]
        os.kill(announced["pid"], 0)
    with pytest.raises(ProcessLookupError):
        os.kill(announced["pid"], 0)
    assert not (tmp_path / "server.json").exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    done = run_process("list", KINOGRAPH_HOME=tmp_path / "home")
    assert done.returncode == 1
    assert "kinograph doctor" in done.stderr
    assert "Set KINOGRAPH_HOME" in done.stderr


@pytest.mark.parametrize("command", ["serve", "rebuild", "worker"])
def test_a_home_that_is_no_folder_is_named_with_what_to_do(tmp_path: Path, command: str) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    done = run_process(command, KINOGRAPH_HOME=tmp_path / "home")
    assert done.returncode == 1
    assert done.stderr.startswith(f"kinograph: cannot keep data in {tmp_path / 'home'}")
    assert done.stderr.strip().endswith("Set KINOGRAPH_HOME to a folder you may write to.")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_a_key_nobody_else_is_served(run_cli: Run, tmp_path: Path, host: str) -> None:
    done = run_cli("serve", "--host", host, "--port", 0, KINOGRAPH_HOME=tmp_path)
    assert done.returncode == 1
    assert "without a key" in done.stderr
    assert "Set KINOGRAPH_API_KEY" in done.stderr


@pytest.mark.parametrize("guard", [{"KINOGRAPH_API_KEY": "sesame"}, {"KINOGRAPH_ALLOW_NO_KEY": "true"}])
def test_guarded_it_serves_every_address_and_says_so(tmp_path: Path, guard: dict[str, str]) -> None:
    command = [sys.executable, "-m", "api.cli", "serve", "--host", "0.0.0.0", "--port", "0"]
    environment = clean_environment(KINOGRAPH_HOME=tmp_path, KINOGRAPH_WORKERS=0, **guard)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stderr is not None
        said = serving.stderr.readline()
        serving.terminate()
        serving.communicate(timeout=RUN_TIMEOUT_S)
    assert "every address of this machine" in said


def test_doctor_reports_what_fails(run_cli: Run, tmp_path: Path) -> None:
    done = run_cli("doctor", "--json", KINOGRAPH_HOME=tmp_path, KINOGRAPH_BROKER_URL="redis://127.0.0.1:9/0")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["broker"]["status"] == "fail"
    assert "KINOGRAPH_BROKER_URL" in checks["broker"]["remedy"]
    assert checks["home"]["status"] == "ok"
    assert checks["language model"]["status"] == "warn"


def test_models_are_verified(run_cli: Run) -> None:
    done = run_cli("models", "--json")
    found = json.loads(done.stdout)["models"]
    assert {model["status"] for model in found} <= {"verified", "absent"}
    assert "transnetv2" in [model["model"] for model in found]


def test_an_interrupt_ends_quietly(served: Served, talk: Path, tmp_path: Path) -> None:
    environment = clean_environment(KINOGRAPH_URL=served.url, KINOGRAPH_HOME=tmp_path)
    command = [sys.executable, "-m", "api.cli", "add", str(talk), "--wait"]
    # A shell that puts this test into its background makes children ignore Ctrl-C; a terminal does not.
    restore = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=restore) as waiting:
        while not served.services.catalogue.list_videos("default").items:
            time.sleep(0.05)
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=RUN_TIMEOUT_S)
    assert waiting.returncode == 130
    assert "Traceback" not in said
