"""Kinds of files and folders, by their names."""

from __future__ import annotations

from dataparams.contents.image_files import HEIC_EXTENSIONS, can_read_heic
from dataparams.sources import discarded

IMAGE_EXTENSIONS = frozenset(
    {
        *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".jp2", ".avif", ".tga"),
        *(".jpe", ".mpo", ".apng", ".pnm", ".j2k", ".j2c", ".jpx", ".jpf"),
    }
)
_OTHER_IMAGE_EXTENSIONS = frozenset(
    {
        *(".raw", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".orf"),
        *(".rw2", ".raf", ".pef", ".srw", ".3fr", ".iiq", ".x3f", ".rwl", ".kdc", ".dcr"),
        *(".psd", ".psb", ".xcf", ".ai", ".svg", ".svgz", ".eps", ".ps", ".pdf", ".emf", ".wmf"),
        *(".jxl", ".jxr", ".ico", ".icns", ".exr", ".hdr"),
        *(".dcm", ".dicom", ".nii", ".fits", ".svs", ".ndpi", ".pcx", ".sgi", ".pfm"),
        *(".dds", ".qoi", ".bpg", ".flif", ".avifs"),
    }
)
_VIDEO_EXTENSIONS = frozenset(
    {
        *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".wmv", ".flv", ".mpg", ".mpeg"),
        *(".3gp", ".3g2", ".mts", ".m2ts", ".ogv", ".vob"),
    }
)
_SYSTEM_FILES = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", ".ds_store", "icon\r"),
        *(".localized", ".directory", ".nomedia", "picasa.ini", ".picasa.ini"),
    }
)
_SYSTEM_FOLDERS = frozenset(
    {
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", ".@__thumb"),
        *("$recycle.bin", "recycler", "system volume information", "found.000", "lost+found"),
        *("__macosx", ".appledouble", ".trashes", ".fseventsd", ".spotlight-v100"),
        *(".ipynb_checkpoints", "__pycache__"),
    }
)


def extension(name: str) -> str:
    """The extension of a file's name in lower case, "" where there is none.

    Example:
        >>> extension("a.tar.GZ"), extension("README"), extension(".hidden")
        ('.gz', '', '')
    """
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def readable_extensions() -> frozenset[str]:
    """The extensions of images that can be read here."""
    return IMAGE_EXTENSIONS | HEIC_EXTENSIONS if can_read_heic() else IMAGE_EXTENSIONS


def why_file_is_hidden(name: str) -> str | None:
    """Why a file is passed over whatever its extension; None where it is not.

    Example:
        >>> why_file_is_hidden("._cat.jpg"), why_file_is_hidden(".cat.jpg")
        ('left behind by a system', 'hidden file')
    """
    if name.lower() in _SYSTEM_FILES or name.startswith("._"):
        return "left behind by a system"
    return "hidden file" if name.startswith(".") else None


def why_folder_is_hidden(name: str) -> str | None:
    """Why a folder is passed over with all that is in it; None where it is not.

    Example:
        >>> why_folder_is_hidden("@eaDir"), why_folder_is_hidden("cat")
        ('folder of a system or storage device', None)
    """
    if name.lower() in _SYSTEM_FOLDERS:
        return "folder of a system or storage device"
    if name == discarded.DISCARDED:
        return discarded.WHY
    return "hidden folder" if name.startswith(".") else None


def why_no_image(name: str) -> str:
    """Why a file that is not hidden is no image that can be read, by its extension.

    Args:
        name: Name of a file whose extension is none of :func:`readable_extensions`.

    Example:
        >>> why_no_image("cat.mp4"), why_no_image("cat.txt")
        ('video', 'no image by its extension')
    """
    ending = extension(name)
    if ending in HEIC_EXTENSIONS:
        return 'HEIC image, which needs pillow-heif: pip install "dataparams[heic]" brings it'
    if ending in _OTHER_IMAGE_EXTENSIONS:
        return "image of a format that is not read; convert it to JPEG or PNG"
    return "video" if ending in _VIDEO_EXTENSIONS else "no image by its extension"


def is_text(name: str) -> bool:
    r"""Whether a name is Unicode: Python keeps other bytes of a name as halves of characters.

    Example:
        >>> is_text("é.jpg"), is_text("\udce9.jpg")
        (True, False)
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown_name(name: str) -> str:
    r"""A name with a question mark for each byte that is not Unicode.

    Example:
        >>> shown_name("\udce9.jpg")
        '?.jpg'
    """
    return name if name.isascii() else name.encode(errors="replace").decode()
