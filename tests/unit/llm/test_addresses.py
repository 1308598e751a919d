"""Which addresses and base URLs a tenant's model may have."""

from ipaddress import ip_address

import pytest

from nyxcore.errors import InvalidInput
from nyxcore.llm.addresses import base_url, may_be_reached

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1",
    "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
    "64:ff9b::8.8.8.8", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001::1", "2002:7f00:1::", "2002:808:808::",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_plainly_public_is_refused(address: str) -> None:
    assert not may_be_reached(ip_address(address), ())


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "104.18.6.192", "2606:4700::6812:6c0", "2a00:1450:4001::1"]
)
def test_a_public_address_is_reached(address: str) -> None:
    assert may_be_reached(ip_address(address), ())


def test_an_exception_opens_its_network_and_no_other() -> None:
    exceptions = ("127.0.0.0/8", "10.9.0.0/16", "::1/128")
    for allowed in ("127.0.0.1", "10.9.1.1", "::1"):
        assert may_be_reached(ip_address(allowed), exceptions)
    for refused in ("10.8.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1"):
        assert not may_be_reached(ip_address(refused), exceptions)


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example/v1", "ftp://models.example", "https://", "https:///v1", "models.example", "",
        "https://user:password@models.example", "https://user@models.example", "https://models.example/?a=b",
        "https://models.example/#x", "https://models.example:99999", "https://[::1", "https://10.0.0.1/",
        "https://[::1]/v1", "https://[::ffff:7f00:1]/", "https://169.254.169.254/latest", "https://mödels.example",
        "https://models.example/ x", "https://models.example/\n", "https://" + "a" * 600,
    ],
)  # fmt: skip
def test_a_base_url_that_could_lead_astray_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="baseUrl"):
        base_url(url, ())


def test_a_base_url_is_taken_apart() -> None:
    url = base_url("https://Models.Example:8443/v1/", ())
    assert (url.text, url.host, url.port, url.tls) == (
        "https://Models.Example:8443/v1",
        "models.example",
        8443,
        True,
    )
    assert base_url("https://models.example", ()).port == 443


def test_http_is_taken_only_where_the_operator_makes_exceptions() -> None:
    loopback = ("127.0.0.0/8",)
    assert base_url("http://localhost:11434/v1", loopback).port == 11434
    assert not base_url("http://127.0.0.1/v1", loopback).tls
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.1 is no public address"):
        base_url("http://10.0.0.1/v1", loopback)


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "127.1", "017700000001"])
def test_an_address_in_disguise_is_a_name_here_and_is_judged_by_what_it_resolves_to(host: str) -> None:
    assert base_url(f"https://{host}/", ()).host == host
