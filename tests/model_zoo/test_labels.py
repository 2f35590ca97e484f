from model_zoo.labels import BENIGN, BY_CODE, CODES, LABELS, MALIGNANT, PREMALIGNANT


def test_eight_classes_in_the_order_of_the_published_model():
    assert CODES == ("AK", "BCC", "BKL", "DF", "MEL", "NV", "SCC", "VASC")


def test_groups():
    of_group = {
        group: {label.code for label in LABELS if label.group == group}
        for group in (MALIGNANT, PREMALIGNANT, BENIGN)
    }
    assert of_group[MALIGNANT] == {"MEL", "BCC", "SCC"}
    assert of_group[PREMALIGNANT] == {"AK"}
    assert of_group[BENIGN] == {"BKL", "DF", "NV", "VASC"}


def test_codes_find_their_label():
    assert all(BY_CODE[code].code == code for code in CODES)
