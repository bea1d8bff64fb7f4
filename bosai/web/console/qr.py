"""A QR code as an image in the page itself: an address that is a key is never asked of another host."""

import segno


def qr_data_uri(text: str) -> str:
    """`data:image/svg+xml,…`, black on white with its quiet zone, whatever colours the page has."""
    code = segno.make(text, error="m", micro=False)
    uri: str = code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return uri
