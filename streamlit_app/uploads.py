"""What happens to uploaded bytes before a page sees them."""

from starlette.formparsers import MultiPartParser

# Above the server's limit of 200 MB, so that no upload ever reaches it.
SPOOL_BYTES = 256 * 2**20


def keep_uploads_in_memory() -> None:
    """Nothing; makes the server hold uploads in memory.

    Starlette spools files over 1 MB to an unlinked temporary file; photos shall not touch the disk.
    """
    MultiPartParser.spool_max_size = SPOOL_BYTES
