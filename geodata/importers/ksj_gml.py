"""Areas from the GML of 国土数値情報 (JPGIS 2.1): features that point at surfaces that point at curves.

    gml:Curve ◀─ (gml:OrientableCurve) ◀─ gml:Ring ◀─ gml:Surface ◀─ ksj:bounds ─ feature with its attributes

GDAL opens such a file and finds no layer in it, so it is read here. Positions are latitude, longitude as the
standard has it. What is read is untrusted: no DTD, no entities, no network, no huge trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lxml import etree
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geodata.errors import BrokenXml

GML_PREFIX = "http://www.opengis.net/gml"
_HREF = "{http://www.w3.org/1999/xlink}href"
_GEOMETRY_NAMES = frozenset({"bounds", "area", "are", "position", "loc"})

Ring = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GmlFeature:
    """kind: local name of the element; attributes: local name → text, in their order; shape as written."""

    kind: str
    attributes: dict[str, str]
    shape_lonlat: Polygon | MultiPolygon | None


@dataclass(frozen=True, slots=True)
class GmlRead:
    """The features of a file, and the coordinate system it names ("" where it names none)."""

    features: tuple[GmlFeature, ...]
    srs_name: str


def read_ksj_gml(data: bytes, name: str) -> GmlRead:
    """The features that have, or point at, a surface. Raises BrokenXml."""
    root = _parse(data, name)
    finder = _Finder(root, name)
    features = tuple(_features(root, finder))
    return GmlRead(features, _srs_name(root))


def _parse(data: bytes, name: str) -> etree._Element:
    if re.search(rb"<!(DOCTYPE|ENTITY)", data[:100_000], re.IGNORECASE):
        raise BrokenXml(name=name, detail="DTD・実体宣言は使えません")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        # Japanese files name their encoding Shift_JIS and mean cp932 with its circled digits.
        found = re.match(
            rb"<\?xml[^>]*encoding=[\"'](?:shift_jis|sjis|x-sjis|windows-31j)[\"']", data, re.IGNORECASE
        )
        if found:
            text = data.decode("cp932")
            data = re.sub(r"^<\?xml[^>]*\?>", "", text, count=1).encode()
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, UnicodeDecodeError, ValueError) as error:
        detail = str(error)[:160]
        if "XML_PARSE_HUGE" in detail:
            detail = "一つの図形が大きすぎます。シェープファイルかGeoJSONの版を使ってください"
        raise BrokenXml(name=name, detail=detail) from None


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _is_gml(element: etree._Element) -> bool:
    return (etree.QName(element).namespace or "").startswith(GML_PREFIX)


def _id(element: etree._Element) -> str:
    """The gml:id in one spelling: some editions write "Cv1_0" and point at "#cv1_0"."""
    for key, value in element.attrib.items():
        if str(key).rsplit("}", 1)[-1] == "id":
            return str(value).lower()
    return ""


def _pointed(element: etree._Element) -> str:
    return str(element.get(_HREF, "")).removeprefix("#").lower()


class _Finder:
    """Curves and surfaces by id; a pointer to what is not there is an error, not an empty area."""

    def __init__(self, root: etree._Element, name: str) -> None:
        self._name = name
        self._by_id = {
            _id(one): one
            for one in root.iter(f"{{{_gml_namespace(root)}}}*")
            if _local(one) in ("Curve", "OrientableCurve", "Surface", "Polygon", "LineString", "MultiSurface")
            and _id(one)
        }

    def element(self, key: str) -> etree._Element:
        # A31a points at "_cv1" and calls the curve "cv1".
        for one in (key, key.removeprefix("_")):
            if one in self._by_id:
                return self._by_id[one]
        raise BrokenXml(name=self._name, detail=f"#{key} が指す図形がありません")

    def surface(self, element: etree._Element) -> Polygon | MultiPolygon | None:
        patches = [one for one in element.iter() if _is_patch(one)]
        polygons = [polygon for one in patches if (polygon := self._polygon(one)) is not None]
        if not polygons:
            return None
        return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)

    def _polygon(self, patch: etree._Element) -> Polygon | None:
        rings: dict[str, list[Ring]] = {"exterior": [], "interior": []}
        for child in patch:
            if _local(child) in rings:
                rings[_local(child)].append(self._ring(child))
        if not rings["exterior"]:
            return None
        return Polygon(rings["exterior"][0], rings["interior"])

    def _ring(self, element: etree._Element) -> Ring:
        members = [one for one in element.iter() if _local(one) == "curveMember"]
        pieces = [self._curve(one) for one in members] if members else [self._positions(element)]
        ring = _joined(pieces)
        if len(ring) < 3:
            raise BrokenXml(name=self._name, detail="点が3つ未満の輪郭があります")
        return ring if np.array_equal(ring[0], ring[-1]) else np.concatenate([ring, ring[:1]])

    def _curve(self, holder: etree._Element, depth: int = 0) -> Ring:
        if depth > 8:
            raise BrokenXml(name=self._name, detail="曲線の参照が循環しています")
        key = _pointed(holder)
        curve = self.element(key) if key else (holder[0] if len(holder) else holder)
        if _local(curve) != "OrientableCurve":
            return self._positions(curve)
        base = next((one for one in curve if _local(one) == "baseCurve"), None)
        if base is None:
            raise BrokenXml(name=self._name, detail="OrientableCurve に baseCurve がありません")
        along = self._base(base, key, depth)
        return along[::-1] if curve.get("orientation") == "-" else along

    def _base(self, base: etree._Element, key: str, depth: int) -> Ring:
        """The curve below an oriented one; `_cv1` is oriented and `cv1` its curve, so it is asked by its own id."""
        target = _pointed(base)
        if target and target != key and target in self._by_id:
            found = self._by_id[target]
            if _local(found) != "OrientableCurve":
                return self._positions(found)
        return self._curve(base, depth + 1)

    def _positions(self, element: etree._Element) -> Ring:
        """(n, 2) lon, lat: all the positions below an element, one list after the other."""
        pieces = []
        for one in element.iter():
            if _local(one) in ("posList", "pos") and one.text:
                numbers = self._numbers(one.text)
                width = 3 if one.get("srsDimension") == "3" else 2
                if len(numbers) % width:
                    raise BrokenXml(name=self._name, detail=f"座標の数が{width}の倍数ではありません")
                pieces.append(numbers.reshape(-1, width)[:, [1, 0]])
        return _joined(pieces)

    def _numbers(self, text: str) -> Ring:
        try:
            return np.array(text.split(), dtype=np.float64)
        except ValueError:
            raise BrokenXml(name=self._name, detail="座標に数値でないものがあります") from None


def _joined(pieces: list[Ring]) -> Ring:
    """Pieces of a line one after the other; a piece drawn the other way round is turned, joints stand once."""
    if not pieces:
        return np.zeros((0, 2))
    line = pieces[0]
    for piece in pieces[1:]:
        if not len(line) or not len(piece):
            line = piece if len(piece) else line
            continue
        turned = np.array_equal(line[-1], piece[-1]) and not np.array_equal(line[-1], piece[0])
        onward = piece[::-1] if turned else piece
        line = np.concatenate([line, onward[1:] if np.array_equal(line[-1], onward[0]) else onward])
    return line


def _is_patch(element: etree._Element) -> bool:
    return _local(element) in ("PolygonPatch", "Polygon", "Rectangle") and _is_gml(element)


def _gml_namespace(root: etree._Element) -> str:
    for one in root.iter():
        if isinstance(one.tag, str) and _is_gml(one):
            return etree.QName(one).namespace or ""
    return GML_PREFIX


def _features(root: etree._Element, finder: _Finder) -> Iterator[GmlFeature]:
    for element in root.iter():
        if element is root or _is_gml(element) or not len(element):
            continue
        shape = None
        attributes: dict[str, str] = {}
        found = False
        for child in element:
            key = _pointed(child)
            if key and _local(child) in _GEOMETRY_NAMES:
                shape, found = finder.surface(finder.element(key)), True
            elif not _is_gml(child) and any(_is_patch(one) for one in child.iter()):
                shape, found = finder.surface(child), True
            elif not len(child) and child.text and child.text.strip():
                attributes[_local(child)] = child.text.strip()
        if found:
            yield GmlFeature(_local(element), attributes, shape)


def _srs_name(root: etree._Element) -> str:
    for element in root.iter():
        name = element.get("srsName")
        if name:
            return str(name).strip()
    return ""
