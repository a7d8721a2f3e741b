"""The command: what it prints, in which language, and its exit status."""

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from records import history_of

from keras_course_ext._version import __version__
from keras_course_ext.command_line.main import main
from keras_course_ext.monitoring import GradientHistory, Key, LayerInfo, diagnose


@pytest.fixture
def sick(tmp_path):
    history_of(0.236).save(tmp_path / "sick.jsonl")
    return str(tmp_path / "sick.jsonl")


@pytest.fixture
def fine(tmp_path):
    history_of(0.9).save(tmp_path / "fine.json")
    return str(tmp_path / "fine.json")


def printed(capsys, *arguments):
    """The exit status and what was printed."""
    status = main(arguments)
    return status, capsys.readouterr()


@pytest.mark.parametrize("command", ["report", "diagnose"])
def test_the_status_says_whether_there_are_findings(capsys, command, sick, fine):
    status, output = printed(capsys, command, sick)
    assert status == 1
    assert "vanishing gradient in 'h0' (epoch 0): the signal" in output.out
    status, output = printed(capsys, command, fine)
    assert status == 0
    assert "No rule fired. Weakest signal: 0.43 of the output's, at 'h0'." in output.out
    assert not output.err


def test_json_has_the_findings_and_the_figures(capsys, sick):
    status, output = printed(capsys, "report", sick, "--json")
    document = json.loads(output.out)
    assert status == 1
    (finding,) = diagnose(GradientHistory.load(sick))
    (read,) = document["findings"]
    assert read.pop("name") == "vanishing gradient"
    assert read == json.loads(json.dumps(asdict(finding)))
    assert document["steps"] == {"recorded": 30, "first": 0, "last": 29}
    first = document["layers"][0]
    assert (first["name"], first["state"], first["update_ratio"]) == ("h0", "starves", None)
    assert first["signal"] == pytest.approx(0.236**8)
    assert json.loads(printed(capsys, "diagnose", sick, "--json")[1].out)["findings"]


def test_json_has_no_nan(capsys, tmp_path):
    history = GradientHistory([LayerInfo("a")])
    keys = [Key("a", "kernel", s) for s in ("grad_norm", "update_ratio")]
    history.append([0], [0], keys, [[np.nan, np.inf]])
    history.save(tmp_path / "bad.jsonl")
    status, output = printed(capsys, "report", str(tmp_path / "bad.jsonl"), "--json")
    document = json.loads(output.out, parse_constant=pytest.fail)
    assert (status, document["layers"][0]["grad_norm"]) == (1, "nan")


def test_two_runs_side_by_side(capsys, sick, fine):
    status, output = printed(capsys, "compare", sick, fine)
    assert status == 0
    lines = output.out.splitlines()
    titles = next(line.split() for line in lines if "sick.jsonl" in line)
    assert titles == ["sick.jsonl", "fine.json"]
    assert any(line.split()[3] == "starves" and line.split()[7] == "ok" for line in lines[3:12])
    assert printed(capsys, "compare", fine, sick)[0] == 1
    document = json.loads(printed(capsys, "compare", sick, fine, "--json")[1].out)
    assert (document["resolved"], document["new"]) == (["vanishing"], [])


def test_a_picture(capsys, tmp_path, sick):
    path = str(tmp_path / "depth.svg")
    status, output = printed(capsys, "plot", sick, path, "--kind", "depth", "--json")
    assert status == 0
    assert json.loads(output.out) == {"record": sick, "kind": "depth", "picture": path}
    with open(path, encoding="utf-8") as file:
        assert "<svg" in file.read()


def test_in_korean(capsys, sick, fine):
    _, output = printed(capsys, "report", sick, "--language", "ko")
    assert "층별 기울기" in output.out
    assert "'h0' 층의 기울기 소실 (에포크 0): 역전파 신호" in output.out
    assert "the" not in output.out
    assert (
        "해당하는 규칙이 없습니다" in printed(capsys, "diagnose", fine, "--language", "ko")[1].out
    )


def test_a_file_that_is_no_record(capsys, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    for path, said in [("other.json", "is not a saved GradientHistory"), ("none.json", "No such")]:
        status, output = printed(capsys, "diagnose", str(tmp_path / path))
        assert status == 2
        assert output.err.startswith("keras-course-ext diagnose: ")
        assert said in output.err


@pytest.mark.parametrize("arguments", [[], ["repair", "x"], ["report"], ["report", "x", "--html"]])
def test_a_wrong_call_is_refused(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: keras-course-ext" in capsys.readouterr().err


def test_as_a_module_it_does_not_load_tensorflow(sick):
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "keras_course_ext", "diagnose", sick],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout.startswith("vanishing gradient in 'h0'")
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "keras_course_ext.monitoring.record.history" in loaded
    assert not {"tensorflow", "keras", "matplotlib"} & loaded


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"keras-course-ext {__version__}\n"
