"""Secrets open for their tenant and name alone; a key that rotates; a file that nobody else may read."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from nyxcore.credentials.sealing import (
    FileKeys,
    Keys,
    KeysUnavailable,
    KmsKeys,
    Owner,
    SecretUnreadable,
    keys,
    reseal,
    seal,
    unseal,
)
from nyxcore.settings import settings

ALICE = Owner(UUID("0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d47"), "openai")
OTHERS = [
    Owner(UUID("0198f2a0-4f1e-7c3a-9b5d-2f6a8c0e1d48"), "openai"),
    Owner(ALICE.tenant_id, "anthropic"),
]
SECRET = "sk-proj-very-secret"


@pytest.fixture
def file_keys(tmp_path: Path) -> FileKeys:
    return FileKeys(tmp_path / "keys" / "credentials.json")


@pytest.fixture(scope="module")
def kms_keys() -> Iterator[KmsKeys]:
    """A key of moto's, for all tests: a client costs as much as all that they do with it."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        client = boto3.client("kms", region_name="eu-central-1")
        yield KmsKeys(client.create_key()["KeyMetadata"]["Arn"], client)


@pytest.fixture(params=["file_keys", "kms_keys"], ids=["file", "kms"])
def any_keys(request: pytest.FixtureRequest) -> Keys:
    keys: Keys = request.getfixturevalue(request.param)
    return keys


def test_a_sealed_secret_opens_and_does_not_show(any_keys: Keys) -> None:
    sealed, key_id = seal(any_keys, ALICE, SECRET)
    assert SECRET not in sealed
    assert key_id == any_keys.current()
    assert unseal(any_keys, ALICE, sealed) == SECRET


def test_the_same_secret_is_sealed_differently_each_time(any_keys: Keys) -> None:
    assert seal(any_keys, ALICE, SECRET) != seal(any_keys, ALICE, SECRET)


@pytest.mark.parametrize("other", OTHERS)
def test_it_opens_for_no_other_tenant_and_under_no_other_name(any_keys: Keys, other: Owner) -> None:
    sealed, _ = seal(any_keys, ALICE, SECRET)
    with pytest.raises(SecretUnreadable):
        unseal(any_keys, other, sealed)
    with pytest.raises(SecretUnreadable):
        reseal(any_keys, other, sealed)


@pytest.mark.parametrize("place", range(4))
def test_a_damaged_secret_does_not_open(any_keys: Keys, place: int) -> None:
    parts = seal(any_keys, ALICE, SECRET)[0].split(".")
    middle = len(parts[place]) // 2
    changed = "A" if parts[place][middle] != "A" else "B"
    parts[place] = parts[place][:middle] + changed + parts[place][middle + 1 :]
    with pytest.raises((SecretUnreadable, KeysUnavailable)):
        unseal(any_keys, ALICE, ".".join(parts))


@pytest.mark.parametrize("text", ["", "v1", "v2.a.b.c", "v1.!.!.!", "v1.aaa.bbb.ccc"])
def test_what_is_no_sealed_secret_is_said_to_be_damaged(file_keys: FileKeys, text: str) -> None:
    with pytest.raises(SecretUnreadable):
        unseal(file_keys, ALICE, text)


def test_a_new_key_opens_the_old_until_the_old_is_re_encrypted_and_forgotten(file_keys: FileKeys) -> None:
    sealed, old = seal(file_keys, ALICE, SECRET)
    new = file_keys.add()
    assert file_keys.current() == new != old
    assert unseal(file_keys, ALICE, sealed) == SECRET
    assert file_keys.forget({old}) == [], "a key in use stays"
    renewed, key_id = reseal(file_keys, ALICE, sealed)
    assert key_id == new
    assert file_keys.forget({new}) == [old]
    assert unseal(file_keys, ALICE, renewed) == SECRET
    with pytest.raises(SecretUnreadable, match="set the secret anew"):
        unseal(file_keys, ALICE, sealed)


def test_kms_re_encrypts_without_showing_the_data_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("kms", region_name="eu-central-1")
        old, new = (KmsKeys(client.create_key()["KeyMetadata"]["Arn"], client) for _ in range(2))
        sealed, _ = seal(old, ALICE, SECRET)
        renewed, key_id = reseal(new, ALICE, sealed)
        assert key_id == new.current() != old.current()
        assert unseal(new, ALICE, renewed) == SECRET
        assert unseal(new, ALICE, sealed) == SECRET, "what hangs on the old key stays readable"


def test_kms_that_refuses_is_told_from_a_secret_that_does_not_open() -> None:
    client = boto3.client("kms", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("generate_data_key", "DisabledException", "words", 400)
        with pytest.raises(KeysUnavailable, match="KMS refuses generate_data_key") as caught:
            seal(KmsKeys("arn:aws:kms:eu-central-1:1:key/x", client), ALICE, SECRET)
    assert caught.value.retryable


def test_the_key_file_is_for_its_owner_alone(file_keys: FileKeys, tmp_path: Path) -> None:
    file_keys.current()
    path = tmp_path / "keys" / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    file_keys.add()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(KeysUnavailable, match="chmod 600"):
        file_keys.current()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"current": "x"}', '{"current": "a", "a": 5}'])
def test_a_damaged_key_file_is_named_and_left_alone(
    file_keys: FileKeys, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "keys" / "credentials.json"
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeysUnavailable, match=r"credentials\.json does not hold keys"):
        seal(file_keys, ALICE, SECRET)
    assert path.read_text() == content


def test_of_many_that_make_the_first_key_at_once_all_have_the_same(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    found: list[str] = []
    start = threading.Barrier(8)

    def one() -> None:
        start.wait()
        found.append(FileKeys(path).current())

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert set(json.loads(path.read_text())) == {"current", found[0]}
    assert [each.name for each in tmp_path.iterdir()] == ["credentials.json"]


@pytest.fixture
def fresh_settings():
    for cached in (settings, keys):
        cached.cache_clear()
    yield
    for cached in (settings, keys):
        cached.cache_clear()


def test_the_settings_say_which_keys_are_used(fresh_settings, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NYX_CREDENTIAL_KEY_FILE", str(tmp_path / "k.json"))
    assert isinstance(keys(), FileKeys)
    for cached in (settings, keys):
        cached.cache_clear()
    monkeypatch.setenv("NYX_CREDENTIAL_KEY_ARN", "arn:aws:kms:eu-central-1:1:key/x")
    assert keys().current() == "arn:aws:kms:eu-central-1:1:key/x"


def test_without_any_key_configured_nothing_is_kept(fresh_settings) -> None:
    with pytest.raises(KeysUnavailable, match="NYX_CREDENTIAL_KEY_ARN"):
        keys()
