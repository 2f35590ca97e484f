"""The eight classes of ISIC 2019, written down once."""

from dataclasses import dataclass

MALIGNANT, PREMALIGNANT, BENIGN = "malignant", "premalignant", "benign"


@dataclass(frozen=True)
class Label:
    """One diagnostic class: its ISIC 2019 code, full name and group."""

    code: str
    name: str
    group: str


# Order: alphabetical by code, which is the output order of the networks trained here and of
# the published ResNet50. A model with another order says so in its card.
LABELS = (
    Label("AK", "Actinic keratosis", PREMALIGNANT),
    Label("BCC", "Basal cell carcinoma", MALIGNANT),
    Label("BKL", "Benign keratosis", BENIGN),
    Label("DF", "Dermatofibroma", BENIGN),
    Label("MEL", "Melanoma", MALIGNANT),
    Label("NV", "Melanocytic nevus", BENIGN),
    Label("SCC", "Squamous cell carcinoma", MALIGNANT),
    Label("VASC", "Vascular lesion", BENIGN),
)
CODES = tuple(label.code for label in LABELS)
BY_CODE = {label.code: label for label in LABELS}
