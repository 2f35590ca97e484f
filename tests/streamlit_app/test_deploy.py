"""What would go to a Space, and how it is sent; no network."""

import sys
import types

import pytest

from streamlit_app import deploy


def test_the_files_are_those_of_the_app_alone(capsys):
    assert deploy.main(["--space", "me/lens"]) == 0
    told = capsys.readouterr().out
    assert "Nothing was sent" in told
    files = deploy.files_to_send()
    assert {"README.md", "requirements.txt", "streamlit_app/app.py"} <= set(files)
    assert any(file.endswith(".tflite") for file in files)
    assert not any(file.startswith(("training/", "tests/", "runs/")) for file in files)
    assert not any("__pycache__" in file for file in files)
    assert all(file in told for file in files)


@pytest.mark.parametrize("space", ["lens", "a/b/c", "/lens", "me/"])
def test_a_space_needs_a_user_and_a_name(space, capsys):
    assert deploy.main(["--space", space]) == 1
    assert "USER/NAME" in capsys.readouterr().err


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for the client library that writes down what it is asked."""
    asked = {}

    class Api:
        def create_repo(self, space, **settings):
            if space == "other/lens":
                raise errors.HfHubHTTPError("403 Forbidden\nmore")
            asked["create"] = (space, settings)

        def add_space_variable(self, space, key, value):
            asked["variable"] = (space, key, value)

        def upload_folder(self, **settings):
            asked["upload"] = settings
            return types.SimpleNamespace(commit_url="https://hub.example/commit/1")

    errors = types.ModuleType("huggingface_hub.errors")
    errors.HfHubHTTPError = type("HfHubHTTPError", (Exception,), {})
    errors.LocalTokenNotFoundError = type("LocalTokenNotFoundError", (Exception,), {})
    module = types.ModuleType("huggingface_hub")
    module.HfApi, module.errors = Api, errors
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    return asked


def test_it_sends_a_docker_space_whose_uploads_work_in_a_frame(hub, capsys):
    assert deploy.main(["--space", "me/lens", "--send", "--private"]) == 0
    space, settings = hub["create"]
    assert (space, settings["space_sdk"], settings["private"]) == ("me/lens", "docker", True)
    assert hub["variable"] == ("me/lens", "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION", "false")
    assert hub["upload"]["allow_patterns"] == deploy.files_to_send()
    assert "commit/1" in capsys.readouterr().out


def test_a_refusal_of_the_hub_is_one_sentence(hub, capsys):
    assert deploy.main(["--space", "other/lens", "--send"]) == 1
    told = capsys.readouterr().err
    assert "could not be written: 403 Forbidden" in told
    assert "more" not in told


def test_without_the_library_it_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert deploy.main(["--space", "me/lens", "--send"]) == 1
    assert "pip install huggingface_hub" in capsys.readouterr().err
