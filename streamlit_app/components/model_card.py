"""What a card says beside its figures: purpose and limits, and what the model is made of."""

import hashlib
from collections.abc import Iterable

import streamlit as st

from model_zoo import registry
from model_zoo.card import Card
from model_zoo.errors import BadModel, ZooError
from model_zoo.loading import served_sha256
from model_zoo.registry import asked_as
from model_zoo.store import learnt_hashes
from streamlit_app.components.charts import table
from streamlit_app.content import card_words, text
from streamlit_app.startup import software_version

# As CITATION.cff says it.
SOFTWARE = (
    "The LesionLens contributors. LesionLens: what an honest model sees in a dermoscopy photo. "
    "Version {version}, Apache-2.0"
)
ENSEMBLE = """\
python -m training ensemble {name} MODEL --install NAME --title TITLE
python -m training calibrate --model NAME --data DIR"""


def heading(card: Card) -> None:
    """Nothing; draws the name of the model and the few facts that identify it."""
    st.header(card_words(card.title or card.name), anchor=False)
    about = " ".join(filter(None, (_network(card), card_words(card.description))))
    if about:
        st.markdown(about)
    with st.container(horizontal=True, gap="small"):
        st.badge(card.name, icon=":material/tag:", color="gray")
        if card.backbone:
            st.badge(card.backbone, icon=":material/layers:", color="gray")
        if card.side:
            words = text("models.reads", side=card.side)
            st.badge(words, icon=":material/crop_square:", color="gray")
        if not card.members:
            st.badge(card.precision, icon=":material/memory:", color="gray")
        if card.default:
            st.badge(text("models.default"), icon=":material/star:", color="green")


def _network(card: Card) -> str:
    """What the network is and how large, or which ones an ensemble asks; "" of an unknown one."""
    if card.members:
        members = [registry.cards().get(name) for name in card.members]
        names = [card_words(one.title or one.name) for one in members if one is not None]
        return text("models.network_ensemble", names=", ".join(names))
    served = card.files.get("served")
    if not card.backbone:
        return ""
    if served is None or not served.size_bytes:
        return text("models.network_unsized", backbone=card.backbone)
    megabytes = f"{served.size_bytes / 1e6:.0f}"
    return text("models.network", backbone=card.backbone, megabytes=megabytes)


def before_figures(card: Card) -> None:
    """Nothing; draws what the model is for and not for, and where it is known to fail."""
    with st.container(border=True):
        use, limits = st.columns([4, 7], gap="large")
        with use:
            st.subheader(text("about.intended"), anchor=False)
            st.markdown(card_words(card.intended_use) or text("models.not_said"))
            st.markdown(text("models.never"))
        with limits:
            st.subheader(text("about.limits"), anchor=False)
            _list(_topic_bold(card_words(limit)) for limit in card.limits)


def _topic_bold(limit: str) -> str:
    """A limit with its topic, the words before a colon near its beginning, in bold."""
    topic, colon, rest = limit.partition(":")
    return f"**{topic}:**{rest}" if colon and len(topic.split()) <= 3 else limit


def made_of(card: Card) -> None:
    """Nothing; draws training data, licence, files with hashes, members, and the changelog."""
    st.subheader(text("models.made_of"), anchor=False)
    left, right = st.columns([1, 1], gap="large")
    with left:
        _training(card)
        _members(card)
        _heading(text("models.changelog"))
        _list(card_words(line) for line in card.changelog)
    with right:
        _files(card)
        _heading(text("models.licence"))
        st.markdown(card_words(card.licence) or text("models.not_said"))
        _heading(text("models.cite"))
        software = SOFTWARE.format(version=software_version())
        own = text("models.cite_software", software=software)
        _list([*(card_words(line) for line in card.citations), own])


def _list(lines: Iterable[str]) -> None:
    st.markdown("\n".join(f"- {line}" for line in lines) or text("models.not_said"))


def _heading(words: str) -> None:
    st.markdown(f"#### {words}")


def _training(card: Card) -> None:
    _heading(text("models.training"))
    training = card.training
    if not training:
        st.markdown(text("models.training_unknown"))
        return
    names = ("data", "list", "images", "lesions", "recipe", "begun_from", "taught_by")
    rows = [
        (text(f"models.training_{name}"), card_words(str(training[name])))
        for name in names
        if name in training
    ]
    if "epoch" in training:
        kept = text("models.epoch_of", epoch=training["epoch"], epochs=training.get("epochs", "–"))
        rows.append((text("models.training_epoch"), kept))
    table([text("models.fact"), text("models.value")], rows, numbers=False)


def _members(card: Card) -> None:
    _heading(text("models.ensemble"))
    if card.members:
        st.markdown("\n".join(f"- `{name}`" for name in card.members))
        return
    around = [other for other in registry.classifiers().values() if card.name in other.members]
    if around:
        st.markdown(text("models.member_of", names=", ".join(f"`{c.name}`" for c in around)))
        return
    st.markdown(text("models.ensemble_how"))
    st.code(ENSEMBLE.format(name=asked_as(card)), language="bash", wrap_lines=True)


def _files(card: Card) -> None:
    _heading(text("models.files"))
    if card.members:
        _files_of_members(card)
        return
    for kind in ("served", "keras"):
        entry = card.files.get(kind)
        if entry is None:
            continue
        size = f" · {entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else ""
        st.markdown(f"{text(f'models.file_{kind}')}: `{entry.file}`{size}")
        digest = entry.sha256 or _learnt(card)
        if digest:
            st.code(f"sha256 {digest}", language=None, wrap_lines=True)
        else:
            st.caption(text("models.no_hash"))
    if not card.files:
        st.markdown(text("models.no_files"))


def _files_of_members(card: Card) -> None:
    """Nothing; draws the hash of what serves each member, and of all joined once all are known."""
    digests = [_served(name) for name in card.members]
    for name, digest in zip(card.members, digests, strict=True):
        st.markdown(f"{text('models.file_served')}: `{name}`")
        _hash(digest)
    if all(digests) and len(digests) > 1:
        # As `Classifier.digest` joins them, which reports print and the CSV of a batch has.
        st.markdown(text("models.file_joined"))
        _hash(hashlib.sha256("".join(digests).encode()).hexdigest())


def _served(member: str) -> str:
    """The sha256 of what serves a member, "" as long as that is not known."""
    try:
        return served_sha256(registry.find(member))
    except BadModel:  # it is gone, which is told in the place of the figures
        return ""


def _hash(digest: str) -> None:
    if digest:
        st.code(f"sha256 {digest}", language=None, wrap_lines=True)
    else:
        st.caption(text("models.no_member_hash"))


def _learnt(card: Card) -> str:
    """The hash that was learnt at the first download of a card's source, or ""."""
    try:
        return learnt_hashes().get(card.source.url, "") if card.source else ""
    except ZooError:
        return ""
