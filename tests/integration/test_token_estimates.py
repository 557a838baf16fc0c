"""The token estimate against the tokenizer of an installed model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.llm.tokens import EstimatedTokens
from tests.fakes.token_samples import SAMPLES

pytest.importorskip("xllamacpp")

FOLDER = Path(sys.prefix) / "share" / "acore" / "models"
COUNT = """
import json, sys, urllib.request, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.n_parallel, parameters.port = sys.argv[1], 256, 1, 0
parameters.warmup = False
server = xllamacpp.Server(parameters)
counts = {}
for name, text in json.load(sys.stdin).items():
    body = json.dumps({"content": text, "add_special": False}).encode()
    request = urllib.request.Request(server.listening_address + "/tokenize", body)
    request.add_header("Content-Type", "application/json")
    counts[name] = len(json.load(urllib.request.urlopen(request))["tokens"])
print("COUNTS" + json.dumps(counts), flush=True)
"""  # noqa: E501


@pytest.mark.timeout(60)
@pytest.mark.parametrize("model", ["smollm2-135m-instruct-q4_1.gguf"])
def test_samples_hold_for_the_real_tokenizer(model: str) -> None:
    path = FOLDER / model
    if not path.exists():
        pytest.skip("the small built-in model is not installed; run `make setup`")
    texts = {name: text for name, (text, _) in SAMPLES.items()}
    run = subprocess.run(
        [sys.executable, "-c", COUNT, str(path)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    counted = json.loads(run.stdout.partition("COUNTS")[2].splitlines()[0])
    tokens = EstimatedTokens()
    short = {name: count for name, count in counted.items() if tokens.count(texts[name]) < count}
    assert short == {}
    stated = {name: count for name, count in counted.items() if count > SAMPLES[name][1]}
    assert stated == {}
