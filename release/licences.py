"""The licences of all that is in the program: its crates, the standard library, the C library."""

import collections
import json
import pathlib
import re
import subprocess
import sys

FILES = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
CODE = {".rs", ".py", ".c", ".h", ".toml", ".json", ".yml", ".yaml", ".png", ".svg"}
LINE = "=" * 80


def packages(root: pathlib.Path, target: str) -> list[dict]:
    """The crates of the program of a target: dependencies of dependencies, but not what only builds or tests it.

    Crates that make code while it is compiled are among them: what they make is in the program. `cargo tree` knows which
    optional ones are on, and `cargo metadata` where they are.
    """
    def cargo(*arguments: str) -> str:
        return subprocess.run(["cargo", *arguments, "--locked"], cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout

    tree = cargo("tree", "--edges", "normal", "--target", target, "--prefix", "none", "--format", "{p}")
    used = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    # Crates that run in the compiler are for the platform that compiles.
    host = re.search(r"^host: (.*)$", subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout, re.M)[1]
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target, "--filter-platform", host))
    own = metadata["resolve"]["root"]
    found = [package for package in metadata["packages"]
             if (package["name"], f"v{package['version']}") in used and package["id"] != own]
    if len(found) != len(used) - 1:
        sys.exit(f"release/run: cargo tree has {len(used) - 1} crates for {target}, cargo metadata {len(found)} of them")
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def shipped(package: dict) -> list[str]:
    """The texts that a crate has beside its Cargo.toml."""
    folder = pathlib.Path(package["manifest_path"]).parent
    # Also those of code that a crate has taken over, in folders of its own.
    found = {path for path in folder.rglob("*") if FILES.match(path.name) and path.suffix not in CODE}
    if package.get("license_file"):
        found.add(folder / package["license_file"])
    found |= {inner for path in found if path.is_dir() for inner in path.iterdir()}
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in sorted(found) if path.is_file()]


def text(root: pathlib.Path, target: str, parts: list[dict]) -> str:
    """All of them as one text. The same text stands there once, under the names of all that have it."""
    # Ours without its title and its names is what all say who say MIT.
    mit = (root / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)[2].strip()
    users: dict[str, list[str]] = collections.defaultdict(list)
    first: dict[str, str] = {}
    crates = packages(root, target)
    for package in crates + [part for part in parts if "musl" in target or "musl" not in part["name"]]:
        title = f"{package['name']} {package.get('version', '')}".strip()
        said = f"{title} ({package['license']}), {package.get('repository') or 'without an address'}"
        texts = shipped(package) if "manifest_path" in package else []
        if not package.get("license") and not texts:
            sys.exit(f"release/run: {title} has no licence")
        if not texts:
            # Of the licences that it offers, one whose text is the same for all but for the names.
            if "MIT" not in re.split(r" OR |/", package["license"]):
                sys.exit(f"release/run: {title} has no text of its licence, {package['license']}")
            people = ", ".join(re.sub(r" *<.*?>", "", author) for author in package["authors"]) or f"the authors of {title}"
            texts = [f"The MIT License\n\nCopyright (c) {people}\n\n{mit}"]
        for each in texts:
            # Where lines are broken makes no other text.
            same = " ".join(each.split())
            first.setdefault(same, each)
            if said not in users[same]:
                users[same].append(said)
    blocks = [f"{LINE}\n" + "".join(f"{user}\n" for user in users[same]) + f"{LINE}\n\n{first[same]}\n" for same in first]
    head = (f"What is in the program `work` for {target} beside its own code: {len(crates)} crates, and the libraries of the\n"
            "language. Each text stands below the names of those that it came with.\n")
    return "\n".join([head, *blocks])
