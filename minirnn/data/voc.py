"""PASCAL VOC: pictures, an XML file of boxes for each, and lists of which picture is in which part.

    JPEGImages/a.jpg     Annotations/a.xml     ImageSets/Main/train.txt (one name a line)

XML is read without any DOCTYPE: no entities, nothing from elsewhere.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
import xml.parsers.expat
from pathlib import Path
from typing import NamedTuple

from minirnn.data.files import read_file
from minirnn.errors import DataError

ENDINGS = (".jpg", ".jpeg", ".png")


class Box(NamedTuple):
    """One thing in a picture; the edges in pixels from the picture's upper left corner, 0 to width and height."""

    name: str  # its class
    left: float
    top: float
    right: float
    bottom: float
    difficult: bool  # for evaluations that leave such things out


class Annotation(NamedTuple):
    """What is in one picture."""

    path: Path  # of the picture
    width: int
    height: int
    boxes: tuple[Box, ...]


class Annotations(NamedTuple):
    """A part of a set."""

    pictures: tuple[Annotation, ...]
    classes: tuple[str, ...]  # by alphabet
    bad: list[str]  # one sentence for each picture that was left out


def read_annotation(path: Path, pictures: Path | None = None) -> Annotation:
    """One XML file. VOC counts pixels from 1 and includes the last: xmin - 1 is the left edge, xmax the right one.

    A box with xmin = xmax is thus one pixel wide. Files that other programs wrote often count from 0; an xmin or ymin
    of 0 is therefore taken as the picture's edge.

    Args:
        pictures: the folder of the pictures; default: JPEGImages beside the folder of `path`.
    Raises:
        DataError: broken or unsafe XML, something missing, a box that ends before it begins or reaches
            outside the picture, a picture that is not there.
        FileNotFoundError, IsADirectoryError: as they say.
    """
    root = _parse(Path(path))
    if root.tag != "annotation":
        raise DataError(f"{path} holds <{root.tag}>; expected a VOC <annotation>")
    width, height = (_number(root, f"size/{side}", path) for side in ("width", "height"))
    if not (width >= 1 and height >= 1 and width == int(width) and height == int(height)):
        raise DataError(f"{path} says that the picture is {width:g} x {height:g}; expected whole numbers from 1")
    boxes = []
    for k, thing in enumerate(root.findall("object"), start=1):
        name = (thing.findtext("name") or "").strip()
        if not name:
            raise DataError(f"{path}: object {k} has no name")
        edges = [_number(thing, f"bndbox/{edge}", path, f"object {k} ({name})") for edge in _EDGES]
        left, top, right, bottom = max(edges[0] - 1, 0.0), max(edges[1] - 1, 0.0), edges[2], edges[3]
        said = ", ".join(f"{edge} {value:g}" for edge, value in zip(_EDGES, edges))
        if min(edges[:2]) < 0 or right > width or bottom > height:
            raise DataError(f"{path}: object {k} ({name}) reaches outside its {width:g} x {height:g} picture: {said}")
        if right <= left or bottom <= top:
            raise DataError(f"{path}: object {k} ({name}) has a box that ends before it begins: {said}")
        difficult = (thing.findtext("difficult") or "0").strip() == "1"
        boxes.append(Box(name, left, top, right, bottom, difficult))
    picture = _picture_of(root, Path(path), pictures or Path(path).parent.parent / "JPEGImages")
    return Annotation(picture, int(width), int(height), tuple(boxes))


def read_names(folder: Path, part: str) -> tuple[str, ...]:
    """The names in ImageSets/Main/PART.txt: the first word of each line.

    Raises:
        DataError: no text in UTF-8, a name that leads elsewhere, a name twice, or no name.
        FileNotFoundError: no such part; the message names those there are.
    """
    lists = folder / "ImageSets" / "Main"
    path = lists / f"{part}.txt"
    if not path.exists():
        there = sorted(p.stem for p in lists.glob("*.txt")) if lists.is_dir() else []
        raise FileNotFoundError(f"{path} does not exist; the parts there are: {', '.join(there) or 'none'}")
    try:
        text = read_file(path, "a list of pictures").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; expected a list of names") from error
    names = [line.split()[0] for line in text.split("\n") if line.split()]
    if not names:
        raise DataError(f"{path} names no picture")
    seen = set()
    for name in names:
        if "/" in name or "\\" in name or "\0" in name or name in (".", ".."):
            raise DataError(f"{path} names {name!r}; expected the name of a picture without its folder")
        if name in seen:
            raise DataError(f"{path} names {name} twice")
        seen.add(name)
    return tuple(names)


def load_part(
    folder: Path, part: str, *, classes: tuple[str, ...] | None = None, skip_bad: bool = False
) -> Annotations:  # fmt: skip
    """The annotations of a part ("train", "val", "test", …) of a folder in VOC's layout.

    Args:
        classes: those that there may be; None takes what is found.
        skip_bad: leave out what cannot be used and list it in `bad`; else the first such file raises.
    Raises:
        DataError, FileNotFoundError: as `read_annotation` and `read_names`; a class that is not in `classes`; nothing
            left.
    """
    good: list[Annotation] = []
    bad: list[str] = []
    for name in read_names(folder, part):
        try:
            annotation = read_annotation(folder / "Annotations" / f"{name}.xml", folder / "JPEGImages")
            for box in annotation.boxes:
                if classes is not None and box.name not in classes:
                    raise DataError(f"{name}.xml has the class {box.name!r}; expected one of {', '.join(classes)}")
        except (DataError, OSError) as error:
            if not skip_bad:
                raise
            bad.append(str(error))
        else:
            good.append(annotation)
    if not good:
        raise DataError(f"{folder}: none of the {len(bad)} pictures of {part} can be used; the first: {bad[0]}")
    found = sorted({box.name for annotation in good for box in annotation.boxes})
    return Annotations(tuple(good), classes or tuple(found), bad)


_EDGES = ("xmin", "ymin", "xmax", "ymax")


def _parse(path: Path) -> ET.Element:
    """The root of an XML file without a DOCTYPE."""
    data = read_file(path, "a VOC annotation (XML)")
    builder = ET.TreeBuilder()
    parser = xml.parsers.expat.ParserCreate(namespace_separator=None)

    def refuse(*_: object) -> None:
        raise DataError(f"{path} has a DOCTYPE, which can pull in anything; expected plain XML without one")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
        root: ET.Element = builder.close()
    except (xml.parsers.expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is broken XML: {error}") from error
    return root


def _number(element: ET.Element, where: str, path: Path, what: str = "") -> float:
    """The finite number at a place below an element."""
    text = element.findtext(where)
    whose = f"{path}: {what} has" if what else f"{path} has"
    if text is None:
        raise DataError(f"{whose} no <{where.replace('/', '><')}>")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{whose} {where} {text.strip()[:40]!r}; expected a number")
    return value


def _picture_of(root: ET.Element, path: Path, folder: Path) -> Path:
    """The picture that an annotation belongs to: the one of the same name, else the one that it names."""
    said = (root.findtext("filename") or "").strip()
    for ending in ENDINGS:
        for name in (path.stem + ending, path.stem + ending.upper()):
            if (folder / name).is_file():
                return folder / name
    plain = said and not {"/", "\\", "\0"} & set(said)
    if plain and (folder / said).is_file():
        return folder / said
    other = f" or {said}" if plain and Path(said).stem != path.stem else ""
    raise DataError(f"{path}: there is no picture {path.stem}{ENDINGS[0]}{other} in {folder}")
