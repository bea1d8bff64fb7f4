"""XML from strangers, opened without DTD, entities or network, under caps of size, depth and count."""

from __future__ import annotations

import re

from lxml import etree

from bosai.feeds.errors import RefusalReason, XmlRefused

# Real telegrams reach depth 12 and 17,016 elements (VXSE53 of 2011-03-11); VPWS50 is several MB.
MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 40
MAX_ELEMENTS = 500_000

_FORBIDDEN = re.compile(r"<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)")


def parse_xml(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_elements: int = MAX_ELEMENTS,
) -> etree._Element:
    """The root element of a UTF-8 document. Raises XmlRefused, naming why; never fetches anything.

    Comments and processing instructions are dropped, so an element's `text` is its whole leading text.
    """
    if len(data) > max_bytes:
        raise XmlRefused(RefusalReason.TOO_LARGE, detail=f"{len(data)} > {max_bytes} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise XmlRefused(RefusalReason.NOT_UTF8, detail=f"byte {error.start}") from error
    # Looked for before libxml2 sees the bytes: refusing is simpler to trust than bounding an expansion.
    if found := _FORBIDDEN.search(text):
        raise XmlRefused(RefusalReason.HAS_DTD, detail=found.group(0))
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
        # libxml2 stops at depth 256 by itself, before our own count is reached.
        deep = "depth" in str(error).lower()
        reason = RefusalReason.TOO_DEEP if deep else RefusalReason.NOT_WELL_FORMED
        raise XmlRefused(reason, detail=str(error)[:200]) from error
    _check_shape(root, max_depth=max_depth, max_elements=max_elements)
    return root


def _check_shape(root: etree._Element, *, max_depth: int, max_elements: int) -> None:
    depth = count = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        count += 1
        if depth > max_depth:
            raise XmlRefused(RefusalReason.TOO_DEEP, detail=f"> {max_depth}")
        if count > max_elements:
            raise XmlRefused(RefusalReason.TOO_MANY_ELEMENTS, detail=f"> {max_elements}")
