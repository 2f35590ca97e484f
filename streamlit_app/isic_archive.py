"""Public-domain photos of the ISIC Archive, by diagnosis, from its public API; kept in memory only.

https://api.isic-archive.com/api/v2/images/search/ takes a query in Lucene's manner and answers
{"results": [...], "next": address or null}; each result has isic_id, copyright_license,
attribution, files.full.{url,size} and metadata.{acquisition,clinical}, as in the archive's own
client, isic-cli 12. Nothing of a visitor is sent but the diagnosis asked for.
"""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from model_zoo.errors import ZooError
from model_zoo.images import MAX_BYTES

API = "https://api.isic-archive.com/api/v2/"
# Another address of the same API, such as a mirror on a closed network.
API_VARIABLE = "LESIONLENS_ISIC_API"
LICENCE = "CC-0"
TIMEOUTS = (5, 15)  # seconds to connect, and between two pieces
PAGE = 100  # results in one answer, the most that the API gives
MOST_PAGES = 5
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


@dataclass(frozen=True)
class ArchivePhoto:
    """A photo of the archive: its id, class code, whom to thank, bytes.

    lesion_photos: the ids of all photos of its lesion that the archive named, its own among them.
    """

    isic_id: str
    label: str
    lesion_photos: tuple[str, ...]
    attribution: str
    data: bytes


def find(code: str, count: int, *, seed: int) -> list[ArchivePhoto]:
    """Up to `count` public-domain dermoscopy photos of a class, drawn at random.

    One a lesion. Raises `ZooError` when the archive cannot be reached or answers otherwise than
    its API says.
    """
    drawn = listing(code)
    random.Random(seed).shuffle(drawn)
    return [fetch(code, lesion) for lesion in drawn[:count]]


def listing(code: str) -> list[list[dict]]:
    """The lesions of a class of which photos may be shown, each as the descriptions of its photos.

    Raises as `find`.
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
        answer = _get(address, parameters)
        try:
            page = json.loads(answer)
            for result in page["results"]:
                # Told again here, since what may be shown must not hang on how a query is read.
                acquisition = result["metadata"]["acquisition"]
                dermoscopic = "dermoscopic" in acquisition.get("image_type", "dermoscopic").lower()
                if result["isic_id"] and result["copyright_license"] == LICENCE and dermoscopic:
                    yield result
            address, parameters = page["next"], None
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise ZooError("archive_answer", problem=f"{type(fault).__name__} {fault}") from fault
        if not address:
            return
        _require_same_host(address, base)


def _base() -> str:
    return os.environ.get(API_VARIABLE, API)


def fetch(code: str, lesion: list[dict]) -> ArchivePhoto:
    """The first photo of a lesion, of those of a class that `listing` gave. Raises as `find`."""
    result = lesion[0]
    try:
        file = result["files"]["full"]
        address, size = str(file["url"]), int(file["size"])
    except (KeyError, TypeError, ValueError) as fault:
        raise ZooError("archive_answer", problem=f"{type(fault).__name__} {fault}") from fault
    if size > MAX_BYTES:
        raise ZooError("archive_answer", problem=f"a photo of {size >> 20} MB")
    data = _get(address, None)
    thanks = str(result.get("attribution") or "Anonymous")
    images = tuple(str(other["isic_id"]) for other in lesion)
    return ArchivePhoto(images[0], code, images, thanks, data)


def _lesion(result: dict) -> str:
    return str(result["metadata"].get("clinical", {}).get("lesion_id") or "")


def _get(address: str, parameters: dict | None) -> bytes:
    # Encrypted, unless the API itself is not, as on a closed network.
    if urlsplit(address).scheme not in ("https", urlsplit(_base()).scheme):
        raise ZooError("archive_answer", problem=f"the address {address[:60]}")
    content = bytearray()
    try:
        with requests.get(address, params=parameters, timeout=TIMEOUTS, stream=True) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(2**18):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise ZooError("archive_answer", problem=f"more than {MAX_BYTES >> 20} MB")
    except requests.RequestException as fault:
        host = urlsplit(address).hostname
        raise ZooError("archive_unreachable", host=host, problem=_short(fault)) from fault
    return bytes(content)


def _short(fault: requests.RequestException) -> str:
    if fault.response is not None:
        return f"it answered {fault.response.status_code} {fault.response.reason}"
    return "nothing came in time" if isinstance(fault, requests.Timeout) else "no connection"


def _require_same_host(address: str, base: str) -> None:
    if urlsplit(address).hostname != urlsplit(base).hostname:
        raise ZooError("archive_answer", problem=f"a next page on {urlsplit(address).hostname}")
