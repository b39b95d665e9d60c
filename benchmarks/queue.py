"""Durable publish against the disk's floor and against DBOS: python -m benchmarks.queue --help.

The measuring is in `publishing.py`: when another script of this folder is run by its path, the
folder comes first on the module path, and this file would be taken for the standard library's
`queue`. It then hands over to that one.
"""

import importlib.util
import sys
import sysconfig
from pathlib import Path

if __name__ == "queue":
    origin = Path(sysconfig.get_path("stdlib")) / "queue.py"
    spec = importlib.util.spec_from_file_location("queue", origin)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["queue"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["queue"])
elif __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from benchmarks.publishing import main

    sys.exit(main())
