"""XML from strangers, opened without DTD, entities or network, under caps of size, depth and count."""

from __future__ import annotations

import re
from functools import cache

from lxml import etree

from bosai.feeds.errors import RefusalReason, XmlRefused

# Real telegrams reach depth 12 and 17,016 elements (VXSE53 of 2011-03-11); VPWS50 is several MB.
MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 40
MAX_ELEMENTS = 500_000
MAX_ATTRIBUTES = (
    500_000  # beside a VPWS50 of 10 MB, which has some hundred thousand elements; libxml2 takes 100 B each
)
_GZIP = b"\x1f\x8b"

_FORBIDDEN = re.compile(r"<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)")


def parse_xml(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_elements: int = MAX_ELEMENTS,
    max_attributes: int = MAX_ATTRIBUTES,
) -> etree._Element:
    """The root element of a UTF-8 document. Raises XmlRefused, naming why; never fetches anything.

    Comments and processing instructions are dropped, so an element's `text` is its whole leading text.
    """
    if len(data) > max_bytes:
        raise XmlRefused(RefusalReason.TOO_LARGE, detail=f"{len(data)} > {max_bytes} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = "gzip のままです" if data.startswith(_GZIP) else f"byte {error.start}"
        raise XmlRefused(RefusalReason.NOT_UTF8, detail=what) from error
    # Looked for before libxml2 sees the bytes: refusing is simpler to trust than bounding an expansion.
    if found := _FORBIDDEN.search(text):
        raise XmlRefused(RefusalReason.HAS_DTD, detail=found.group(0))
    _check_counts(text, max_elements=max_elements, max_attributes=max_attributes)
    # The encoding is given, so a false declaration in the document cannot make it mean something else here.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise XmlRefused(_reason(str(error).lower()), detail=_place(error)) from error
    _check_depth(root, max_depth)
    return root


def _place(error: etree.XMLSyntaxError) -> str:
    """Where it breaks; what the parser says of it is English that helps no officer (it is the cause of the error)."""
    line, column = error.position
    return f"{line}行目・{column}文字目"


def _check_counts(text: str, *, max_elements: int, max_attributes: int) -> None:
    """Refuse what would be large in memory before any of it is built: a tree takes tens of times its bytes.

    Both are upper bounds: every element has its "<", every attribute its "=".
    """
    elements = text.count("<") - text.count("</") - text.count("<?") - text.count("<!")
    if elements > max_elements:
        raise XmlRefused(RefusalReason.TOO_MANY_ELEMENTS, detail=f"{elements} > {max_elements}")
    attributes = text.count("=")
    if attributes > max_attributes:
        raise XmlRefused(RefusalReason.TOO_MANY_ATTRIBUTES, detail=f"{attributes} > {max_attributes}")


def _reason(message: str) -> RefusalReason:
    # libxml2 stops by itself at depth 256, and at texts, names and values of 10 MB.
    if "depth" in message:
        return RefusalReason.TOO_DEEP
    if "limit exceeded" in message or "too long" in message:
        return RefusalReason.TOO_LARGE
    return RefusalReason.NOT_WELL_FORMED


def _check_depth(root: etree._Element, max_depth: int) -> None:
    if _is_deeper_than(max_depth)(root):
        raise XmlRefused(RefusalReason.TOO_DEEP, detail=f"> {max_depth}")


@cache
def _is_deeper_than(depth: int) -> etree.XPath:
    # One step of a path for each level, walked inside libxml2: a fifteenth of the time of a walk in Python.
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")
