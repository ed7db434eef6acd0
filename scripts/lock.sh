#!/usr/bin/env bash
# Regenerates requirements/*.txt from pyproject.toml: wheels only, with hashes, for every platform and Python >= 3.11.
# Newer releases are taken only with UPGRADE=1. No header and no index lines, so that nothing of this machine gets in.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
options=(--quiet --universal --python-version 3.11 --generate-hashes --only-binary :all:
    --no-header --no-emit-index-url --no-emit-find-links --no-emit-build-options --no-config)
if [[ -n "${UPGRADE:-}" ]]; then
    options+=(--upgrade)
fi

"$uv" pip compile "${options[@]}" pyproject.toml --group dev --output-file requirements/dev.txt
"$uv" pip compile "${options[@]}" pyproject.toml --constraint requirements/dev.txt --output-file requirements/runtime.txt
echo uv | "$uv" pip compile "${options[@]}" - --constraint requirements/dev.txt --output-file requirements/bootstrap.txt
