"""Turn pip's resolution report into a lock file: `docker/lock.sh` calls it once per kind of host."""

import json
import sys

LOCAL_VERSION = "+"  # torch==2.13.0+cpu is one index's own name; other people's index has only 2.13.0


def main() -> None:
    report = json.load(sys.stdin)
    rows = [
        (item["metadata"]["name"].lower().replace("_", "-"), item["metadata"]["version"].split(LOCAL_VERSION)[0])
        for item in report["install"]
    ]
    print(f"# Made by docker/lock.sh for {sys.argv[1]}. Do not edit: change pyproject.toml and run `make lock`.")
    for name, version in sorted(rows):
        if name != "equipoise":
            print(f"{name}=={version}")


if __name__ == "__main__":
    main()
