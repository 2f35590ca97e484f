"""What a learner does on the Study page, driven without a browser, and what the page says."""


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.success, *test.info]
    return "\n".join(str(part.value) for part in parts)


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def commit(test, code="NV", confidence="sure"):
    test.session_state["study_first"] = code
    test.session_state["study_confidence"] = confidence
    return press(test, "Commit")
