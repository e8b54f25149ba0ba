"""Writes the CMake calls that make a target of every module in layers.toml.

Usage: modules.py SOURCE_FOLDER OUTPUT

A file of the module `testing` is a library of its own and depends on the modules it really
includes, so that the tests of a low module do not wait for the high ones.
"""

import fnmatch
import pathlib
import re
import sys
import tomllib

INCLUDE = re.compile(r'^\s*#include "(catchwater/[^"]+)"', re.MULTILINE)


def library(path: str) -> str:
    return "catchwater_" + path.replace("/", "_")


def includes(file: pathlib.Path) -> list[str]:
    return INCLUDE.findall(file.read_text(encoding="utf-8", errors="replace"))


def main() -> None:
    top, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    root = top / "src" / "catchwater"
    with open(top / "layers.toml", "rb") as file:
        modules = tomllib.load(file)["module"]

    def module_of(header: str) -> str | None:
        path = header.removeprefix("catchwater/")
        found = [m for m in modules if path.startswith(m + "/")]
        return max(found, key=len) if found else None

    watched = [top / "layers.toml", top / "cmake" / "modules.py"]
    testing_files = sorted((root / "testing").rglob("*.h")) + sorted(
        (root / "testing").rglob("*.cc")
    )
    testing_files = [f for f in testing_files if not f.stem.endswith(("_test", "_fuzz"))]
    watched += testing_files

    def unit(header: str) -> str:
        """The library of one file under testing/, named by its path without the suffix."""
        return library(header.removeprefix("catchwater/").rsplit(".", 1)[0])

    def needed(files: list[pathlib.Path], own: str) -> list[str]:
        """Libraries of what the files include."""
        found = []
        for header in (h for f in files for h in includes(f)):
            module = module_of(header)
            if module == "testing":
                if (top / "src" / header).exists():
                    found.append(unit(header))
            elif module and module != own:
                found.append(library(module))
        return sorted(set(found))

    lines = ["# Written by cmake/modules.py from layers.toml."]
    units: dict[str, list[pathlib.Path]] = {}
    for file in testing_files:
        units.setdefault(unit(str(file.relative_to(top / "src"))), []).append(file)
    for name, files in sorted(units.items()):
        sources = ";".join(str(f) for f in files if f.suffix == ".cc")
        depends = " ".join(d for d in needed(files, "testing") if d != name)
        lines.append(
            f'catchwater_library({name} "{sources}" ' f"KEY testing PATH testing DEPENDS {depends})"
        )

    for path, entry in modules.items():
        if path == "testing":
            tests = sorted((root / path).rglob("*_test.cc"))
            if tests:
                watched += tests
                sources = ";".join(map(str, tests))
                lines.append(
                    f'catchwater_test(testing_test "{sources}" {" ".join(needed(tests, path))})'
                )
            continue
        depends = []
        for pattern in entry["may_use"]:
            depends += [m for m in modules if fnmatch.fnmatchcase(m, pattern) and m != path]
        tests = sorted((root / path).rglob("*_test.cc"))
        watched += tests
        lines.append(
            f"catchwater_module({path} DEPENDS {' '.join(map(library, depends))} "
            f"TESTING {' '.join(needed(tests, path))})"
        )

    lines.append("set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS")
    lines += [f'  "{file}"' for file in watched]
    lines.append(")")
    text = "\n".join(lines) + "\n"
    if not output.exists() or output.read_text() != text:
        output.write_text(text)


main()
