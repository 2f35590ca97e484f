"""The README says what the cards say, and its commands exist."""

from training import readme

TEXT = readme.README.read_text(encoding="utf-8")


def test_results_are_those_of_the_cards():
    inside = TEXT.split(readme.BEGIN)[1].split(readme.END)[0].strip()
    assert inside == readme.results()


def test_it_opens_with_the_two_commands():
    head = TEXT[:2500]
    assert "pip install -r requirements.txt && streamlit run streamlit_app/app.py" in head
    assert "pip install -r requirements-dev.txt && pytest" in head
    assert head.index("Research and teaching only") < head.index("pip install")
