"""The secrets that `run` makes: nobody else reads them, and they stay the same."""

import json
import stat

import click
import pytest

from app.cli import data_dir
from schemas.settings import read_settings


def test_secrets_are_readable_by_this_user_only_and_stay_the_same(tmp_path):
    directory = tmp_path / "var"
    data_dir.prepare(directory)
    first = data_dir.make_secrets(directory, {})
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "secrets.json").stat().st_mode) == 0o600
    assert data_dir.make_secrets(directory, {}) == first
    assert set(first) == {"API_TOKEN", "PULL_CREDENTIALS", "VALKEY_PASSWORD"}
    assert read_settings({**first, "REDIS_URL": "redis://"}).pull_credentials[0].secret_id.startswith("AKID")


def test_two_installations_never_have_the_same_secrets(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = data_dir.make_secrets(tmp_path / "a", {}), data_dir.make_secrets(tmp_path / "b", {})
    assert not set(one.values()) & set(other.values())


def test_a_given_secret_wins_and_is_not_written_down(tmp_path):
    made = data_dir.make_secrets(tmp_path, {"API_TOKEN": "given"})
    assert made["API_TOKEN"] == "given"
    assert "given" not in (tmp_path / "secrets.json").read_text()
    assert data_dir.make_secrets(tmp_path, {"API_TOKEN": ""})["API_TOKEN"] != "given"


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path):
    data_dir.make_secrets(tmp_path, {})
    (tmp_path / "secrets.json").chmod(0o644)
    data_dir.make_secrets(tmp_path, {})
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"API_TOKEN": 1})])
def test_a_damaged_file_is_never_overwritten(tmp_path, content):
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(click.ClickException, match="is damaged"):
        data_dir.make_secrets(tmp_path, {})
    assert (tmp_path / "secrets.json").read_text() == content


def test_a_directory_that_is_in_use_for_other_things_keeps_its_mode(tmp_path):
    (tmp_path / "mine.txt").touch()
    tmp_path.chmod(0o755)
    data_dir.prepare(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_the_commands_find_the_secret_that_run_made(tmp_path):
    made = data_dir.make_secrets(tmp_path, {})
    assert data_dir.secret("API_TOKEN", {"DATA_DIR": str(tmp_path)}) == made["API_TOKEN"]
    assert data_dir.secret("API_TOKEN", {"DATA_DIR": str(tmp_path), "API_TOKEN": "given"}) == "given"
    with pytest.raises(click.ClickException, match="start `transcode-inbox run` first"):
        data_dir.secret("API_TOKEN", {"DATA_DIR": str(tmp_path / "nowhere")})
