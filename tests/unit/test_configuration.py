"""Where settings come from, and what is said when they are wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import Field, SecretStr, field_validator

from services.configuration import ALIASES, PROJECT, load_settings, ollama_address, read_settings
from services.domain.errors import ConfigurationError
from services.settings import Section, Settings

Load = Callable[..., Settings]


class Vault(Section):
    """Keys."""

    token: SecretStr | None = Field(None, description="A token.")
    slots: int = Field(3, ge=1, lt=10, description="How many.")
    label: str = Field("", description="A label.")

    @field_validator("label")
    @classmethod
    def _no_spaces(cls, value: str) -> str:
        if " " in value:
            raise ValueError("a label has no spaces.")
        return value


class Schema(Section):
    """Sections of this test."""

    vault: Vault = Field(default_factory=Vault)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(
        *,
        toml: str | None = None,
        dotenv: str | None = None,
        environ: Mapping[str, str] | None = None,
        **overrides: object,
    ) -> Settings:
        if toml is not None:
            (tmp_path / "config.toml").write_text(toml)
        if dotenv is not None:
            (tmp_path / ".env").write_text(dotenv)
        dotted = {name.replace("__", "."): value for name, value in overrides.items()}
        return load_settings(overrides=dotted, environ=environ or {}, cwd=tmp_path)

    return loaded


def problems(load: Load, **sources: object) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(**sources)
    return caught.value.user_message.splitlines()


def vault(tmp_path: Path, **environ: str) -> Vault:
    return read_settings(Schema, config=None, overrides={}, environ=environ, cwd=tmp_path).vault


def test_an_empty_configuration_runs(load: Load):
    assert load().llm == Settings().llm


def test_each_source_outranks_the_next(load: Load):
    toml = '[llm]\nmodel = "toml"\nnum_ctx = 1001\nmax_tokens = 101\nkeep_alive = "toml"'
    dotenv = "ACORE_LLM__MODEL=dotenv\nACORE_LLM__NUM_CTX=1002\nACORE_LLM__MAX_TOKENS=102\n"
    environ = {"ACORE_LLM__MODEL": "environ", "ACORE_LLM__NUM_CTX": "1003"}
    llm = load(toml=toml, dotenv=dotenv, environ=environ, llm__model="cli").llm
    assert (llm.model, llm.num_ctx, llm.max_tokens) == ("cli", 1003, 102)
    assert llm.keep_alive == "toml"
    assert llm.concurrency == 1


def test_an_override_of_none_was_not_given(load: Load):
    assert load(environ={"ACORE_LLM__MODEL": "m"}, llm__model=None).llm.model == "m"


def test_a_list_is_json_or_commas(load: Load):
    for text in ('["a b", "c"]', "a b, c", " a b ,c, "):
        assert load(environ={"ACORE_GATE__KEYWORDS": text}).gate.keywords == ("a b", "c")
    assert load(environ={"ACORE_GATE__TRIGGERS": ""}).gate.triggers == ()
    assert load(toml='[gate]\nkeywords = ["x,y"]').gate.keywords == ("x,y",)


def test_an_empty_value_unsets_an_optional_setting(load: Load):
    settings = load(toml='[llm]\nmodel = "m"\nthink = true', environ={"ACORE_LLM__MODEL": ""})
    assert settings.llm.model is None
    assert settings.llm.think is True
    assert load(toml='[llm]\nthink = ""').llm.think is None


def test_other_variables_are_nobodys_business(load: Load):
    assert load(dotenv="PATH=/nowhere\nexport FOO=1\n", environ={"LLM": "x"}) == load()


def test_dotenv_values_are_taken_as_written(load: Load):
    dotenv = "# note\nexport ACORE_LLM__MODEL='a$HOME #b'\nACORE_PERSONA__USER_NAME=Ann # me\n"
    settings = load(dotenv=dotenv)
    assert settings.llm.model == "a$HOME #b"
    assert settings.persona.user_name == "Ann"


class TestAliases:
    def test_a_well_known_name_stands_for_its_setting(self, load: Load):
        environ = {"OLLAMA_HOST": "gpu-box", "OLLAMA_MODEL": "qwen"}
        llm = load(environ=environ).llm
        assert (llm.ollama_host, llm.model) == ("http://gpu-box:11434", "qwen")

    def test_ollama_model_wins_over_llm_model_wherever_it_is(self, load: Load):
        assert load(environ={"LLM_MODEL": "b"}).llm.model == "b"
        assert load(environ={"LLM_MODEL": "b", "OLLAMA_MODEL": "a"}).llm.model == "a"
        assert load(environ={"LLM_MODEL": "b"}, dotenv="OLLAMA_MODEL=a").llm.model == "a"

    def test_the_environment_wins_over_dotenv_for_one_name(self, load: Load):
        assert load(environ={"LLM_MODEL": "a"}, dotenv="LLM_MODEL=b").llm.model == "a"

    def test_the_own_name_wins_wherever_it_is(self, load: Load):
        environ = {"OLLAMA_MODEL": "alias", "ACORE_LLM__MODEL": "own"}
        assert load(environ=environ).llm.model == "own"
        environ = {"OLLAMA_MODEL": "alias"}
        assert load(environ=environ, dotenv="ACORE_LLM__MODEL=own").llm.model == "own"

    def test_an_alias_wins_over_the_file_but_not_when_empty(self, load: Load):
        toml = '[llm]\nmodel = "toml"'
        assert load(toml=toml, environ={"LLM_MODEL": "alias"}).llm.model == "alias"
        assert load(toml=toml, environ={"LLM_MODEL": ""}).llm.model == "toml"

    def test_every_alias_has_one_line(self):
        names = [alias.variable for alias in ALIASES]
        assert len(names) == len(set(names))


class TestPaths:
    def test_given_ones_start_where_the_program_was_started(self, load: Load, tmp_path: Path):
        settings = load(toml='[storage]\ndata = "d"', environ={"ACORE_PERSONA__CHARACTERS": "c"})
        assert settings.storage.data == tmp_path / "d"
        assert settings.persona.characters == tmp_path / "c"

    def test_default_ones_lie_beside_the_program(self, load: Load):
        settings = load()
        assert settings.storage.data == PROJECT / "data"
        assert settings.persona.characters == PROJECT / "characters"
        assert (PROJECT / "services").is_dir()
        assert settings.logging.file is None

    def test_absolute_and_home_paths_stay(
        self, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert load(storage__data="~/x").storage.data == tmp_path / "home" / "x"
        assert load(storage__data=tmp_path).storage.data == tmp_path

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("my.db", "sqlite:///{cwd}/my.db"),
            ("/var/a.db", "sqlite:////var/a.db"),
            ("sqlite:///my.db", "sqlite:///{cwd}/my.db"),
            ("sqlite+aiosqlite:////var/a.db", "sqlite+aiosqlite:////var/a.db"),
            ("postgresql://host/a", "postgresql://host/a"),
        ],
    )
    def test_a_database_path_becomes_a_url(self, load: Load, tmp_path: Path, text: str, url: str):
        settings = load(environ={"DATABASE_PATH": text})
        assert settings.storage.url == url.format(cwd=tmp_path)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("gpu-box:8000", "http://gpu-box:8000"),
        ("gpu-box", "http://gpu-box:11434"),
        (":8000", "http://127.0.0.1:8000"),
        ("http://gpu-box", "http://gpu-box:80"),
        ("https://gpu-box/ollama/", "https://gpu-box:443/ollama"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("[::]:9", "http://[::1]:9"),
        ("fe80::1", "http://[fe80::1]:11434"),
        ("gpu-box:what", "http://gpu-box:11434"),
        ("gpu-box:99999", "http://gpu-box:11434"),
        (' "gpu-box" ', "http://gpu-box:11434"),
    ],
)
def test_an_ollama_host_is_read_as_ollama_does(given: str, address: str):
    assert ollama_address(given) == address


class TestRefusals:
    def test_a_misspelt_key_is_named_with_the_nearest(self, load: Load):
        (line,) = problems(load, toml='[llm]\nmodle = "m"')
        assert "llm.modle" in line
        assert "did you mean llm.model?" in line

    def test_a_misspelt_section_is_named(self, load: Load):
        (line,) = problems(load, toml="[storagee]\ndata = 1")
        assert "did you mean storage?" in line

    @pytest.mark.parametrize("name", ["ACORE_LLMX", "ACORE_LLM__MODLE", "ACORE_"])
    def test_a_misspelt_variable_is_refused_at_any_level(self, load: Load, name: str):
        (line,) = problems(load, environ={name: "x"})
        assert line.startswith(f"{name} (from the environment)")
        (line,) = problems(load, dotenv=f"{name}=x")
        assert line.startswith(f"{name} (from .env)")

    def test_what_the_checks_are_told_is_no_setting(self, load: Load):
        assert load(environ={"ACORE_TEST_DATA": "somewhere"}) == load(environ={})

    def test_a_misspelt_override_is_refused(self, load: Load):
        (line,) = problems(load, llm__modle="x")
        assert "llm.modle (from the command line)" in line

    def test_every_problem_is_told_at_once_each_on_its_line(self, load: Load):
        lines = problems(
            load,
            toml='[llm]\nnum_ctx = "many"\ntemperature = 9\n[lmm]\nx = 1',
            environ={"ACORE_GATE__TRIGGERS": "mention,shout", "ACORE_X": "1"},
        )
        assert len(lines) == 5
        text = "\n".join(lines)
        assert "llm.num_ctx (from config.toml) expects a whole number, at least 512." in text
        assert "llm.temperature (from config.toml) expects a number, at least 0 and at" in text
        assert "gate.triggers (from ACORE_GATE__TRIGGERS in the environment) expects a list" in text

    def test_a_value_that_is_outranked_does_not_count(self, load: Load):
        assert load(toml="[llm]\nnum_ctx = 1", llm__num_ctx="600").llm.num_ctx == 600

    def test_broken_json_in_a_variable_is_refused(self, load: Load):
        (line,) = problems(load, environ={"ACORE_GATE__KEYWORDS": '["a'})
        assert "gate.keywords" in line
        assert "JSON" in line

    def test_a_section_that_is_no_table_is_refused(self, load: Load):
        (line,) = problems(load, toml="llm = 3")
        assert line == "llm (from config.toml) expects a table: [llm]."

    @pytest.mark.parametrize(
        ("toml", "place"),
        [("[llm]\nmodel = \n", "line 2"), ('[llm]\nx = 1\n\ny = "', "line 4"), ("[llm", "line 1")],
    )
    def test_broken_toml_names_file_and_line(
        self, load: Load, tmp_path: Path, toml: str, place: str
    ):
        (line,) = problems(load, toml=toml)
        assert line.startswith(f"{tmp_path / 'config.toml'}, {place}: ")

    def test_broken_dotenv_names_file_and_line(self, load: Load):
        (line,) = problems(load, dotenv="OK=1\n'never closed\n")
        assert ".env, line 2" in line

    def test_a_file_that_is_not_text_is_named(self, load: Load, tmp_path: Path):
        (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
        (line,) = problems(load)
        assert "config.toml" in line
        assert "UTF-8" in line

    def test_a_given_file_has_to_exist(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match=r"mine\.toml cannot be read: No such file"):
            load_settings(config=Path("mine.toml"), overrides={}, environ={}, cwd=tmp_path)

    def test_a_given_file_replaces_the_usual_one(self, load: Load, tmp_path: Path):
        (tmp_path / "config.toml").write_text('[llm]\nmodel = "usual"')
        (tmp_path / "mine.toml").write_text("\ufeff[llm]\nnum_ctx = 999")
        settings = load_settings(config=Path("mine.toml"), overrides={}, environ={}, cwd=tmp_path)
        assert (settings.llm.model, settings.llm.num_ctx) == (None, 999)


class TestSecrets:
    def test_they_come_from_the_environment(self, tmp_path: Path):
        token = vault(tmp_path, ACORE_VAULT__TOKEN="s3cret").token
        assert token is not None
        assert token.get_secret_value() == "s3cret"

    def test_they_are_refused_in_the_file_without_being_repeated(self, tmp_path: Path):
        (tmp_path / "config.toml").write_text('[vault]\ntoken = "s3cret"')
        with pytest.raises(
            ConfigurationError, match=r"vault\.token .* ACORE_VAULT__TOKEN"
        ) as caught:
            vault(tmp_path)
        assert "s3cret" not in str(caught.value)

    def test_no_value_is_ever_repeated(self, tmp_path: Path):
        with pytest.raises(ConfigurationError) as caught:
            vault(tmp_path, ACORE_VAULT__SLOTS="s3cret", ACORE_VAULT__LABEL="s3cret two")
        assert "vault.slots" in caught.value.user_message
        assert caught.value.user_message.endswith("a label has no spaces.")
        chain = [caught.value, caught.value.__cause__, caught.value.__context__]
        assert not any("s3cret" in str(error) for error in chain)
