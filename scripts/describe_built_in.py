"""Write `attributionlab/reports/tables/built_in.json`: descriptions of our own methods, metrics, environments, segmenters and manipulations.

`attributionlab list` reads them instead of importing torch. Run it after options, declarations or summaries have changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from attributionlab.reports.tables.descriptions import CATALOGS, describe_class

FILE = Path(__file__).parents[1] / "attributionlab" / "reports" / "tables" / "built_in.json"


def main() -> None:
    """Write one line per entry, so that changes can be read."""
    kinds = []
    for kind, catalog in CATALOGS.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(describe_class(kind, name))}" for name in catalog.built_in]
        kinds.append(f"{json.dumps(kind)}: {{\n" + ",\n".join(lines) + "\n}")
    FILE.write_text("{" + ",\n".join(kinds) + "}\n", encoding="utf-8")
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
