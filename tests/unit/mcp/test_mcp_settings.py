"""Servers in the settings: what is accepted, what is refused, and what stays secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.configuration import load_settings
from services.domain.errors import ConfigurationError
from services.observability.redaction import secret_values
from services.settings import McpServer, Settings
from tests.architecture.source_tree import ROOT


def loaded(tmp_path: Path, toml: str, **environ: str) -> Settings:
    (tmp_path / "config.toml").write_text(toml)
    return load_settings(overrides={}, environ=environ, cwd=tmp_path)


def test_servers_are_read_from_tables_of_their_own(tmp_path: Path):
    settings = loaded(
        tmp_path,
        """
[mcp.servers.time]
command = "mcp-server-time"
args = ["--local-timezone", "Europe/Vienna"]
read_only = ["get_current_time"]
env = { API_KEY = "sesame-open" }
[mcp.servers.notes]
url = "http://127.0.0.1:9000/mcp"
token = "$NOTES_TOKEN"
""",
    )
    assert set(settings.mcp.servers) == {"time", "notes"}
    assert "sesame-open" in set(secret_values(settings))
    assert "sesame-open" not in repr(settings)


def test_servers_are_read_from_a_variable(tmp_path: Path):
    settings = loaded(tmp_path, "", ACORE_MCP__SERVERS='{"time": {"command": "x"}}')
    assert settings.mcp.servers["time"].command == "x"


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ('[mcp.servers."a__b"]\ncommand = "x"', "a__b cannot be a name"),
        ('[mcp.servers."Ä"]\ncommand = "x"', "cannot be a name"),
        ("[mcp.servers.a]", "a: give either command or url"),
        ('[mcp.servers.a]\ncommand = "x"\nurl = "http://x"', "a: give either command or url"),
        ('[mcp.servers.a]\nurl = "file:///etc/passwd"', "url has to begin with http"),
        ('[mcp.servers.a]\ncommand = "x"\npermission = "root"', "a.permission"),
        ('[mcp.servers.a]\ncommand = "x"\ntimeout_seconds = 0', "a.timeout_seconds"),
        ('[mcp.servers.a]\ncommand = "x"\ntokn = "sesame-open"', "a.tokn"),
        ("[mcp]\nservers = 3", "mcp.servers"),
    ],
)
def test_a_wrong_server_is_named_and_no_value_is_told(tmp_path: Path, server: str, words: str):
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, server)
    assert words in refused.value.user_message
    assert "sesame-open" not in refused.value.user_message


def test_the_token_of_the_offer_does_not_lie_in_a_file(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="ACORE_MCP__TOKEN"):
        loaded(tmp_path, '[mcp]\ntoken = "sesame"')


def test_the_example_of_the_documentation_is_accepted(tmp_path: Path):
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    assert set(loaded(tmp_path, example).mcp.servers) == {"time", "notes"}
    documented = set(re.findall(r"`(\w+)`", page.partition("| Key |")[2].partition("\n\n")[0]))
    assert set(McpServer.model_fields) <= documented


def test_the_protocols_library_is_not_loaded_without_a_server():
    code = "import services.factory, sys; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
