"""Public-domain photos of the ISIC Archive, by diagnosis, from its public API; kept in memory only.

https://api.isic-archive.com/api/v2/images/search/ takes a query in Lucene's manner and answers
{"results": [...], "next": address or null}; each result has isic_id, copyright_license,
attribution, files.full.{url,size} and metadata.{acquisition,clinical}, as in the archive's own
client, isic-cli 12. Nothing of a visitor is sent but the diagnosis asked for, and the archive's own
id of the lesion that came.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import requests

from model_zoo.errors import ZooError
from model_zoo.images import MAX_BYTES
from model_zoo.training_ids import TrainingIds
from streamlit_app.exports import plain_name

API = "https://api.isic-archive.com/api/v2/"
# Another address of the same API, such as a mirror on a closed network.
API_VARIABLE = "LESIONLENS_ISIC_API"
LICENCE = "CC-0"
# Where the archive keeps its files, and below; a redirect may lead there, or stay on its host.
HOSTS = ("isic-archive.com", "isic-archive.s3.amazonaws.com")
MOST_REDIRECTS = 3
TIMEOUTS = (5, 15)  # seconds to connect, and between two pieces
PAGE = 100  # results in one answer, the most that the API gives
MOST_PAGES = 5
MOST = PAGE * MOST_PAGES  # photos of a class that are listed, to draw from
# The archive's names of the eight classes, level 2 or 3 of its tree of diagnoses.
QUERIES: dict[str, str] = {
    "AK": 'diagnosis_3:"Solar or actinic keratosis"',
    "BCC": 'diagnosis_3:"Basal cell carcinoma"',
    "BKL": 'diagnosis_3:"Seborrheic keratosis" OR diagnosis_3:"Solar lentigo"'
    ' OR diagnosis_3:"Pigmented benign keratosis" OR diagnosis_3:"Lichen planus like keratosis"',
    "DF": 'diagnosis_3:"Dermatofibroma"',
    "MEL": 'diagnosis_2:"Malignant melanocytic proliferations (Melanoma)"',
    "NV": 'diagnosis_3:"Nevus"',
    "SCC": 'diagnosis_3:"Squamous cell carcinoma, NOS"'
    ' OR diagnosis_3:"Squamous cell carcinoma in situ"'
    ' OR diagnosis_3:"Squamous cell carcinoma, Invasive"',
    "VASC": 'diagnosis_3:"Hemangioma" OR diagnosis_3:"Angiokeratoma"'
    ' OR diagnosis_3:"Pyogenic granuloma"',
}
# How the archive says that a diagnosis was confirmed (its field diagnosis_confirm_type), in short.
CONFIRMATIONS = {
    "histopathology": "histopathology",
    "serial imaging showing no change": "serial_imaging",
    "single image expert consensus": "consensus",
    "confocal microscopy with consensus dermoscopy": "confocal",
    "single contributor clinical assessment": "clinical",
    "": "unsaid",
}
OTHERWISE = "otherwise"  # by a method that is not among them
T = TypeVar("T")
LESION_ID = re.compile(r"\w+")  # what may stand in a query


@dataclass(frozen=True)
class ArchivePhoto:
    """A photo of the archive: its id, class code, whom to thank, bytes.

    lesion_photos: the ids of all public photos of its lesion, its own among them; none where the
    archive names no lesion; None where it did not tell. confirmation: a value of `CONFIRMATIONS`,
    or `OTHERWISE`.
    """

    isic_id: str
    label: str
    lesion_photos: tuple[str, ...] | None
    attribution: str
    data: bytes
    confirmation: str = CONFIRMATIONS[""]

    def trained_on(self, known: TrainingIds | None) -> bool | None:
        """Whether a model was trained on its lesion, None where nothing tells.

        known: what the model was trained on, None if its card has no list. Of a lesion that the
        archive does not name, another photo may have been trained on.
        """
        if known is None:
            return None
        if known.know_any(self.lesion_photos or (self.isic_id,)):
            return True
        return False if self.lesion_photos else None


def listing(code: str) -> list[list[dict]]:
    """The lesions of a class of which photos may be shown, each as the descriptions of its photos.

    Raises `ZooError` when the archive cannot be reached or answers otherwise than its API says.
    """
    lesions: dict[str, list[dict]] = {}
    for result in _results(code):
        lesions.setdefault(_lesion(result) or result["isic_id"], []).append(result)
    return list(lesions.values())


def _results(code: str) -> Iterator[dict]:
    """Descriptions of the photos that may be shown, page by page."""
    query = f'image_type:dermoscopic AND copyright_license:"{LICENCE}" AND ({QUERIES[code]})'
    base = _base()
    address, parameters = f"{base}images/search/", {"query": query, "limit": PAGE}
    for _ in range(MOST_PAGES):
        results, address = _page(address, parameters, _shown)
        parameters = None
        yield from (result for result in results if result is not None)
        if not address:
            return
        _require_same_host(address, base)


def _page(
    address: str, parameters: dict | None, read: Callable[[dict], T]
) -> tuple[list[T], str | None]:
    """What is read of each description of an answer, and the next address, None at the end."""
    content = _get(address, parameters)
    try:
        page = json.loads(content)
        return [read(result) for result in page["results"]], page["next"]
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ZooError("archive_answer") from fault


def _shown(result: dict) -> dict | None:
    """The description, or None of a photo that may not be shown."""
    # Told again here, since what may be shown must not hang on how a query is read.
    kind = (result["metadata"].get("acquisition") or {}).get("image_type", "dermoscopic")
    free = result["isic_id"] and result["copyright_license"] == LICENCE
    return result if free and "dermoscopic" in str(kind).lower() else None


def _base() -> str:
    return f"{os.environ.get(API_VARIABLE, API).rstrip('/')}/"


def fetch(code: str, lesion: list[dict]) -> ArchivePhoto:
    """The first photo of a lesion, of those of a class that `listing` gave. Raises as it does."""
    result = lesion[0]
    try:
        file = result["files"]["full"]
        address, size = str(file["url"]), int(file["size"])
    except (KeyError, TypeError, ValueError) as fault:
        raise ZooError("archive_answer") from fault
    if size > MAX_BYTES:
        raise ZooError("archive_too_large", limit_megabytes=MAX_BYTES >> 20)
    data = _get(address, None)
    thanks = str(result.get("attribution") or "Anonymous")
    confirmed = str(_clinical(result).get("diagnosis_confirm_type") or "")
    return ArchivePhoto(
        _id(result),
        code,
        _lesion_photos(lesion),
        thanks,
        data,
        CONFIRMATIONS.get(confirmed, OTHERWISE),
    )


def _lesion_photos(lesion: list[dict]) -> tuple[str, ...] | None:
    """The ids of all public photos of a lesion, whatever their licence; see `ArchivePhoto`."""
    listed = [_id(result) for result in lesion]
    name = _lesion(lesion[0])
    if not name:
        return ()
    if not LESION_ID.fullmatch(name):
        return None
    asked = {"query": f'lesion_id:"{name}"', "limit": PAGE}
    try:
        found, following = _page(f"{_base()}images/search/", asked, _id)
    except ZooError:
        return None  # the photo is there all the same
    # An answer without the lesion's own photos was given to another question.
    whole = not following and set(listed) <= set(found)
    return tuple(found) if whole else None


def _id(result: dict) -> str:
    return str(result["isic_id"])


def _clinical(result: dict) -> dict:
    found = result["metadata"].get("clinical")
    return found if isinstance(found, dict) else {}


def _lesion(result: dict) -> str:
    return str(_clinical(result).get("lesion_id") or "")


def _get(address: str, parameters: dict | None) -> bytes:
    host = urlsplit(address).hostname
    content = bytearray()
    try:
        with _answer(address, parameters) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(2**18):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise ZooError("archive_too_large", limit_megabytes=MAX_BYTES >> 20)
    except requests.HTTPError as fault:
        status = fault.response.status_code
        raise ZooError("archive_refused", host=host, status=status) from fault
    except requests.Timeout as fault:
        raise ZooError("archive_slow", host=host) from fault
    except requests.RequestException as fault:
        raise ZooError("archive_unreachable", host=host) from fault
    except ValueError as fault:  # a redirect to what is no address
        raise ZooError("archive_answer") from fault
    return bytes(content)


def _answer(address: str, parameters: dict | None) -> requests.Response:
    """What comes at the end of a few redirects, none of which leaves the archive."""
    first = urlsplit(address).hostname
    for _ in range(MOST_REDIRECTS + 1):
        _require_own(address, first)
        answer = requests.get(
            address, params=parameters, timeout=TIMEOUTS, stream=True, allow_redirects=False
        )
        if not answer.is_redirect:
            return answer
        answer.close()
        if answer.next is None or not answer.next.url:
            break
        address, parameters = answer.next.url, None
    raise ZooError("archive_answer")


def _require_own(address: str, first: str | None) -> None:
    """Nothing; raises unless an address is encrypted and on the archive's hosts or the first one.

    An API that is not encrypted itself, as on a closed network, may have such addresses.
    """
    scheme, host = urlsplit(address).scheme, urlsplit(address).hostname or ""
    own = host in (first, *HOSTS) or host.endswith(tuple(f".{name}" for name in HOSTS))
    if scheme not in ("https", urlsplit(_base()).scheme) or not own:
        raise ZooError("archive_elsewhere", address=plain_name(address))


def _require_same_host(address: str, base: str) -> None:
    if urlsplit(address).hostname != urlsplit(base).hostname:
        raise ZooError("archive_elsewhere", address=plain_name(address))
