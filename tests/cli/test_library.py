"""libkin as a stranger meets it: installed, found by pkg-config, compiled against, from C and from C++."""
import glob
import json
import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ["KIN_BUILD"]
HEADERS = sorted(glob.glob(os.path.join(ROOT, "include", "kin", "*.h")))
LANGUAGES = {"c": ["cc", "-std=c99"], "c++": ["c++", "-std=c++11"]}
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]


def compiler(language):
    if not shutil.which(LANGUAGES[language][0]):
        pytest.skip(f"no compiler for {language}")
    return LANGUAGES[language]


def run(command, **keywords):
    result = subprocess.run(command, capture_output=True, text=True, **keywords)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A tree as `make install DESTDIR=...` leaves it."""
    root = tmp_path_factory.mktemp("root")
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", str(root)])
    return root


def one(root, pattern):
    found = glob.glob(os.path.join(root, "**", pattern), recursive=True)
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


def flags(root, *options):
    """What pkg-config says about kin in that tree."""
    directory = os.path.dirname(one(root, "kin.pc"))
    environment = dict(os.environ, PKG_CONFIG_PATH=directory, PKG_CONFIG_SYSROOT_DIR=str(root))
    return run(["pkg-config", *options, "kin"], env=environment).split()


def is_sanitized():
    with open(os.path.join(BUILD, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
        return {option["name"]: option["value"] for option in json.load(file)}["b_sanitize"] != "none"


@pytest.mark.parametrize("header", HEADERS, ids=os.path.basename)
@pytest.mark.parametrize("language", LANGUAGES)
def test_header_compiles_alone(language, header, tmp_path):
    source = tmp_path / "alone"
    source.write_text(f'#include "{header}"\n#include "{header}"\n')
    run([*compiler(language), *WARNINGS, "-I", os.path.join(ROOT, "include"), "-x", language, "-fsyntax-only", source])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["shared", "static"])
def test_program_uses_the_installed_library(installed, language, kind, tmp_path):
    if is_sanitized():
        pytest.skip("the library needs a sanitizer's runtime")
    source, program = tmp_path / "program", tmp_path / "a.out"
    source.write_text("""
        #include <kin/kin.h>
        #include <stdio.h>
        int main(void)
        {
            struct kin_error error;
            char line[KIN_ERROR_LINE];
            kin_error_set(&error, 2, "open", "%s", "b.txt");
            kin_error_format(&error, line, sizeof line);
            printf("%s %s\\n", kin_version(), line);
            return 0;
        }
    """)
    library = os.path.dirname(one(installed, "libkin.a"))
    link = [os.path.join(library, "libkin.a")] if kind == "static" else flags(installed, "--libs")
    run([*compiler(language), *WARNINGS, *flags(installed, "--cflags"), "-x", language, source, "-x", "none", *link,
         "-o", program])
    version = run(["pkg-config", "--modversion", one(installed, "kin.pc")]).strip()
    output = run([program], env=dict(os.environ, LD_LIBRARY_PATH=library))
    assert output == f"{version} open b.txt: No such file or directory\n"


def test_the_example_of_the_readme_runs(installed, tmp_path):
    """As it stands there, against the installed library: the sum is right, in the bits that every pool gives."""
    if is_sanitized():
        pytest.skip("the library needs a sanitizer's runtime")
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        code, = re.findall(r"^```c\n(.*?)^```", file.read(), flags=re.M | re.S)
    source, program = tmp_path / "example.c", tmp_path / "a.out"
    source.write_text(code)
    library = os.path.dirname(one(installed, "libkin.a"))
    run([*compiler("c")[:1], "-Wall", "-Wextra", "-Wno-unused-result", *flags(installed, "--cflags"), source,
         *flags(installed, "--libs"), "-o", program])
    output = run([program], env=dict(os.environ, LD_LIBRARY_PATH=library), timeout=60)
    exact = sum(1.0 / (i + 1) * (1.0 / (i + 1)) for i in range(1000000))
    assert abs(float(output) - exact) < 1e-12


def test_nothing_but_the_api_is_exported(installed):
    if not shutil.which("nm"):
        pytest.skip("no nm")
    symbols = run(["nm", "-D", "--defined-only", "--format=posix", one(installed, "libkin.so")]).splitlines()
    exported = {line.split()[0].split("@")[0] for line in symbols if line.split()[1] in "TDBRVW"}
    declared = set()
    for header in HEADERS:
        with open(header, encoding="utf-8") as file:
            code = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        # prototypes: neither types of functions nor what the header defines itself
        declared |= set(re.findall(r"^(?!typedef\b|static\b)[a-z][\w \t]*?[ *](kin_\w+)\(", code, flags=re.M))
    assert exported == declared


def test_soname_is_versioned(installed):
    if not shutil.which("readelf"):
        pytest.skip("no readelf")
    dynamic = run(["readelf", "-d", one(installed, "libkin.so")])
    assert re.search(r"soname: \[libkin\.so\.0\.\d+\]", dynamic)


def test_installation_is_whole(installed):
    """Tool, manual and completions lie where man and the shells look for them."""
    prefix = os.path.dirname(os.path.dirname(one(installed, "bin/kin")))
    for path in ("share/bash-completion/completions/kin", "share/zsh/site-functions/_kin",
                 "share/fish/vendor_completions.d/kin.fish", "include/kin/kin.h"):
        assert os.path.isfile(os.path.join(prefix, path)), path
    if shutil.which("scdoc"):
        pages = {os.path.basename(page)[:-4] for page in glob.glob(os.path.join(ROOT, "docs", "man", "*.scd"))}
        found = {os.path.basename(page) for page in glob.glob(os.path.join(prefix, "share/man/man*/*"))}
        assert pages and found == pages
    assert run([os.path.join(prefix, "bin", "kin"), "version"]).startswith("kin ")
