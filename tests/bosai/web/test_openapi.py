"""The description of the API is made from its routes: nothing routed is missing, nothing described is not there."""

from __future__ import annotations

import re

import pytest

from bosai.errors import OUTCOMES, BosaiError
from bosai.web import api
from bosai.web.app import make_app
from bosai.web.openapi import DESCRIBED, PATH, document, problems_of
from bosai.web.problems import Problem
from tests.bosai.web.running import bearer, running, subscription


@pytest.fixture
async def site(tmp_path, private_redis):
    async with running(tmp_path, private_redis.url) as site:
        yield site


def described() -> dict[tuple[str, str], dict]:
    return {
        (method.upper(), path): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def routed() -> set[tuple[str, str]]:
    app = make_app(lambda: None)
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.method not in ("HEAD", "OPTIONS")
        and route.resource.canonical.startswith((f"{api.V1}/", "/alerts"))
    }


def test_every_api_route_is_described_and_only_those():
    assert set(described()) == routed()


@pytest.mark.parametrize(
    ("path", "route"), DESCRIBED, ids=[f"{route.method} {path}" for path, route in DESCRIBED]
)
def test_every_route_appears_with_its_problem_responses(path, route):
    operation = described()[route.method, path]
    for error in problems_of(route):
        told = operation["responses"][str(OUTCOMES[error].status)]
        assert error.code in told["description"]
        assert told["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    done = operation["responses"][str(route.status)]
    assert ("content" in done) is (route.answer is not None)
    assert ("requestBody" in operation) is (route.body is not None)
    assert ("security" in operation) is route.needs_secret
    assert operation["summary"]
    in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
    assert in_path == re.findall(r"{(\w+)}", path)


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for operation in described().values()]
    assert len(set(names)) == len(names)


def test_every_reference_leads_to_a_component_and_every_component_is_referred_to():
    whole = document()
    text = repr(whole)
    referred = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert referred == set(whole["components"]["schemas"])


def test_the_problem_schema_names_what_a_program_may_read():
    schema = document()["components"]["schemas"]["Problem"]
    assert set(schema["required"]) == {"type", "title", "status", "detail", "mend", "code"}
    assert set(schema["properties"]) == set(Problem.__struct_fields__)


async def test_the_description_is_served_once_and_names_both_sides(site):
    answer = await site.ask("GET", PATH)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    served = answer.json()
    assert served["openapi"] == "3.1.0"
    assert [one["url"] for one in served["servers"]] == ["/", "/drill"]


async def test_what_the_service_answers_is_what_the_description_says(site):
    """Asked for real: each answer's status and media type stands in the description of its route."""
    subscription_id, secret = await site.subscribe()
    one = f"{api.V1}/subscriptions/{subscription_id}"
    asked = [
        ("POST", f"{api.V1}/subscriptions", {"json": subscription("two")}),
        ("POST", f"{api.V1}/subscriptions", {"json": {}}),
        (
            "POST",
            f"{api.V1}/subscriptions",
            {"json": subscription(), "headers": {"Origin": "https://x.example"}},
        ),
        ("POST", f"{api.V1}/subscriptions", {"data": b" " * 70_000}),
        ("GET", one, {"headers": bearer(secret)}),
        ("GET", one, {"headers": bearer("wrong")}),
        ("GET", f"{one}/advice", {"headers": bearer(secret)}),
        ("PUT", one, {"headers": bearer(secret), "json": {"lang": "en"}}),
        ("PUT", one, {"headers": bearer(secret), "json": {"lang": 1}}),
        ("POST", f"{api.V1}/receipts", {"json": []}),
        ("POST", f"{api.V1}/receipts", {"json": [{"r": "x", "stage": "opened"}]}),
        ("GET", f"{api.V1}/towns", {"params": {"q": "荒"}}),
        *(("GET", f"{api.V1}/{name}.geojson", {}) for name in ("sites", "areas", "zones")),
        ("GET", "/alerts.atom", {}),
        ("GET", "/alerts/certificate.pem", {}),
        ("DELETE", one, {"headers": bearer(secret)}),
        ("DELETE", one, {"headers": bearer(secret)}),
    ]
    for method, path, more in asked:
        answer = await site.ask(method, path, **more)
        operation = described()[method, path.replace(subscription_id, "{id}")]
        told = operation["responses"][str(answer.status)]
        if answer.body:
            assert answer.headers["Content-Type"].partition(";")[0] in told["content"], (method, path)
        else:
            assert "content" not in told


def test_an_error_without_a_status_can_not_be_described_silently():
    assert all(
        issubclass(error, BosaiError) and error in OUTCOMES
        for _, one in DESCRIBED
        for error in problems_of(one)
    )
