"""What tests of the app leave behind: a process that is begun afresh must not run the app."""

import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "streamlit_app" / "app.py"
MAIN = sys.modules["__main__"]


def test_the_app_runs_as_main():
    AppTest.from_file(str(APP), default_timeout=60).run()
    assert sys.modules["__main__"] is not MAIN


def test_main_is_given_back():
    assert sys.modules["__main__"] is MAIN
