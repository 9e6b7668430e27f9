"""schemathesis asks the running service everything that the document allows and much that it does not.

It looks for server errors, answers that the document does not know, good questions refused and bad ones answered.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import API_TOKEN, Service

#: Questions a call, beyond those made on purpose for every parameter: enough to find what there is to find within seconds.
EXAMPLES = 20

EXCUSED = Path(__file__).with_name("excused.py")


def ids(service: Service) -> dict[str, list[str]]:
    """Some that are there, by the name of the parameter in the path."""
    events = [event["id"] for event in service.api("events").json["events"]]
    letters = [letter["id"] for letter in service.api("dead-letters").json["dead_letters"]]
    subscriptions = [one["id"] for one in service.api("subscriptions").json["subscriptions"]]
    return {"event_id": events, "letter_id": letters, "subscription_id": subscriptions}


@pytest.mark.timeout(300)  # on a machine that is busy; else 15
def test_no_question_gets_an_answer_that_the_document_does_not_know(full_service: Service, tmp_path: Path) -> None:
    known = ids(full_service)
    (tmp_path / "schemathesis.toml").write_text(
        "".join(
            f'[parameters."path.{name}"]\ndictionary = "{name}"\nprobability = 0.5\n'
            f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n"
            for name, values in known.items()
        )
    )
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{full_service.url}/api/openapi.json"),
            *("--header", f"Authorization: Bearer {API_TOKEN}", "--max-examples", str(EXAMPLES)),
            *("--phases", "examples,coverage,fuzzing", "--generation-deterministic"),
            *("--warnings", "off", "--continue-on-failure", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(EXCUSED)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
