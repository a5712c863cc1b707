"""What the process that a test's client starts is to do, in a file that its command names."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Task = Literal["record", "replay", "new_episodes"]
MODULE = "interpose.app.pytest.process"
REPORTS = "report-*.json"


@dataclass(frozen=True)
class Spec:
    """`folder` takes the reports of what was played, `stage` is the first recording to be made, in there."""

    task: Task
    folder: str
    stage: str
    recordings: list[str] = field(default_factory=list)
    server: list[str] = field(default_factory=list)
    url: str = ""
    match: str = ""
    ignore: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: str) -> "Spec":
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
