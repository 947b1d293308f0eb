#!/usr/bin/env bash
# Makes docker/locks/*.txt from pyproject.toml: one lock for CPU hosts, one for GPU hosts (torch with its CUDA packages).
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --upgrade pip
resolve() { "$work/venv/bin/python" -m pip install --quiet --dry-run --ignore-installed --report - "$@"; }
echo "== resolving for CPU hosts" >&2
resolve ".[train,eval,airflow,cluster,filters,demo,dev]" > "$work/cpu.json"
python3 docker/lock.py "CPU hosts" < "$work/cpu.json" > "$work/cpu.txt"
echo "== resolving for GPU hosts (the registry's own build of torch, with CUDA)" >&2
PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS='' resolve ".[train,eval,cluster,filters]" -c "$work/cpu.txt" > "$work/gpu.json"
python3 docker/lock.py "GPU hosts" < "$work/gpu.json" > "$work/gpu.txt"
mkdir -p docker/locks
cp "$work/cpu.txt" "$work/gpu.txt" docker/locks/
