from __future__ import annotations

import ssl
import urllib.error
import urllib.request

import pytest

from tests.bed import nginx as bed
from tests.bed.nginx import open_nginx, require_nginx


def test_it_takes_messages_and_answers_with_the_status_asked_for():
    with open_nginx(retry_after="9") as server:
        trusted = ssl.create_default_context(cafile=server.ca_file)
        post = urllib.request.Request(f"{server.url}/push/one", data=b"x", method="POST")
        with urllib.request.urlopen(post, context=trusted, timeout=5) as answer:
            assert answer.status == 201
        gone = urllib.request.Request(f"{server.url}/status/429/one", data=b"x", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(gone, context=trusted, timeout=5)
        with refused.value as answer:
            assert (answer.code, answer.headers["Retry-After"]) == (429, "9")
        first = server.answered()
        assert server.answered() == first + 1  # asking is a request too


def test_without_the_program_a_test_skips_with_the_mend_and_fails_where_nothing_may_be_skipped(monkeypatch):
    monkeypatch.setattr(bed.shutil, "which", lambda _: None)
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="apt-get install nginx"):
        require_nginx()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install nginx"):
        require_nginx()
