"""What keeps somebody from using a page that a browser shows: axe-core's findings, and width."""

from axe_playwright_python.sync_playwright import Axe

# What is within Streamlit's own widgets and cannot be reached from here: rule, selector, reason.
EXCEPTIONS: list[tuple[str, str, str]] = []
GRAVE = ("serious", "critical")
HEADINGS = ("heading-order", "page-has-heading-one", "empty-heading")  # axe calls these moderate


def overflow(tab) -> int:
    """By how many pixels the page is wider than the screen."""
    return tab.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]');"
        " return m.scrollWidth - m.clientWidth }"
    )


def grave(tab) -> list[str]:
    """The serious and critical violations that axe-core finds, and any of headings, but for
    `EXCEPTIONS`.

    Only what is still there at a second look: what Streamlit is just about to draw is pale for some
    milliseconds, after the page has reported that it is done.
    """
    found = violations(tab)
    if found:
        tab.wait_for_timeout(500)
        found &= violations(tab)
    return sorted(found)


def violations(tab) -> set[str]:
    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    return {
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found
        if violation["impact"] in GRAVE or violation["id"] in HEADINGS
        for node in violation["nodes"]
        if not any(
            rule == violation["id"] and selector in node["html"] for rule, selector, _ in EXCEPTIONS
        )
    }
