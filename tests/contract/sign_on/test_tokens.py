"""Single sign-on: whose tokens are good."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey

from tests.contract.sign_on.publisher import AUD, ISS, ME, Add, b64, by_secret, claims_of, keys, signed
from tests.servers.web import Told, WebServer


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"}, {"iss": None}, {"iss": 7}, {"iss": [ISS]},
        {"aud": "other"}, {"aud": None}, {"aud": ["other"]}, {"aud": {"engagement": 1}},
        {"exp": None}, {"exp": 1}, {"exp": "4000000000"}, {"exp": True}, {"exp": float("inf")},
        {"nbf": 4_000_000_000}, {"iat": 4_000_000_000}, {"iat": "now"},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "a\x00b"},
    ],
)  # fmt: skip
def test_a_token_that_does_not_say_what_it_must_is_refused(
    client: FlaskClient, add: Add, changed: dict[str, Any]
) -> None:
    add()
    assert client.get(ME, headers=by_secret(**changed)).status_code == 401
    assert client.get(ME, headers=by_secret(aud=["other", AUD])).status_code == 200


def test_a_clock_may_be_a_little_wrong(client: FlaskClient, add: Add) -> None:
    add(skew=120)
    now = int(time.time())
    assert client.get(ME, headers=by_secret(exp=now - 60, iat=now - 90)).status_code == 200
    assert client.get(ME, headers=by_secret(iat=now + 60, nbf=now + 60)).status_code == 200
    assert client.get(ME, headers=by_secret(exp=now - 180)).status_code == 401


def test_an_issuer_vouches_on_its_own_site_alone(client: FlaskClient, add: Add) -> None:
    add("known")
    assert client.get("/v1/known/readers/me", headers=by_secret()).status_code == 200
    assert client.get(ME, headers=by_secret()).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_each_algorithm_with_the_keys_of_an_address(
    client: FlaskClient, add: Add, published: WebServer, algorithm: str
) -> None:
    add(algorithm=algorithm, jwks_url=f"{published.url}/keys")
    key = keys(algorithm)
    assert client.get(ME, headers=signed(key, algorithm)).status_code == 200
    assert client.get(ME, headers=signed(key, algorithm, {"kid": key.kid})).status_code == 200
    assert client.get(ME, headers=signed(key, algorithm, {"kid": "another"})).status_code == 401
    for other in {"RS256", "ES256", "EdDSA"} - {algorithm}:
        assert client.get(ME, headers=signed(keys(other), other)).status_code == 401
    assert client.get(ME, headers=by_secret()).status_code == 401
    assert len(published.asked) == 1  # kept; and another one is not asked for at once


def test_without_a_signature_nobody_is_anybody(client: FlaskClient, add: Add) -> None:
    add()
    payload = b64(json.dumps(claims_of()).encode())
    for name in ("none", "None", "NONE", "nOnE", "", None, ["HS256"], 7):
        header = b64(json.dumps({"alg": name, "typ": "JWT"}).encode())
        for signature in ("", b64(b"x" * 32)):
            token = {"Authorization": f"Bearer {header}.{payload}.{signature}"}
            assert client.get(ME, headers=token).status_code == 401


def test_a_public_key_is_no_secret(client: FlaskClient, add: Add, published: WebServer) -> None:
    add(algorithm="RS256", jwks_url=f"{published.url}/keys")
    public = keys("RS256")
    header, payload = ({"alg": "HS256", "kid": "rsa"}, claims_of())
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
    for secret in (public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()):
        forged = f"{body}.{b64(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"
        assert client.get(ME, headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_a_key_that_a_header_brings_or_names_is_not_looked_at(
    client: FlaskClient, add: Add, published: WebServer
) -> None:
    add(algorithm="RS256", jwks_url=f"{published.url}/keys")
    mine = RSAKey.generate_key(2048, auto_kid=False)
    evil = WebServer(lambda _: Told(json.dumps({"keys": [mine.as_dict(private=False)]}).encode()))
    try:
        for header in (
            {"jwk": mine.as_dict(private=False)}, {"jku": f"{evil.url}/keys"}, {"x5u": f"{evil.url}/cert"},
            {"jku": f"{evil.url}/keys", "kid": "rsa"},
        ):  # fmt: skip
            assert client.get(ME, headers=signed(mine, "RS256", header)).status_code == 401
            assert client.get(ME, headers=signed(keys("RS256"), "RS256", header)).status_code == 200
        assert evil.asked == []
    finally:
        evil.stop()
    assert (
        client.get(ME, headers=signed(keys("RS256"), "RS256", {"kid": "../../etc/passwd"})).status_code == 401
    )


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "token", ["eyJ.eyJ.", "eyJhbGciOiJIUzI1NiJ9.e30.", "eyJ" + "A" * 20_000 + ".a.b", "eyJ..", "eyJé.b.c"]
)
def test_what_is_no_token_is_refused(client: FlaskClient, add: Add, token: str) -> None:
    add()
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    assert client.get(ME, headers=headers).status_code == 401


def test_a_changed_token_is_refused(client: FlaskClient, add: Add) -> None:
    add()
    header, _, signature = by_secret()["Authorization"].removeprefix("Bearer ").split(".")
    changed = b64(json.dumps(claims_of(sub="somebody-else")).encode())
    headers = {"Authorization": f"Bearer {header}.{changed}.{signature}"}
    assert client.get(ME, headers=headers).status_code == 401
    assert client.get(ME, headers=by_secret("another secret, as long as the good one")).status_code == 401
