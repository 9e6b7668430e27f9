"""The console's door: who gets in, for how long, and what a page of another site cannot do with a session."""

import time
from pathlib import Path

import pytest

from app import create_app
from app.console import session
from schemas.settings import read_settings
from tests.app.console.operator import Operator
from tests.running import API_TOKEN, Service

PAGES = ["", "/events", "/dead-letters", "/subscriptions", "/nothing"]


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_a_page_without_logging_in(service: Service, page: str) -> None:
    answer = Operator(service).get("/console" + page)
    assert (answer.status, answer.headers["Location"]) == (303, f"/console/log-in?next=/console{page}")


def test_the_api_token_opens_the_console_and_leads_to_the_page_that_was_asked_for(service: Service) -> None:
    operator = Operator(service)
    answer = operator.log_in(next="/console/events?source=zego")
    assert (answer.status, answer.headers["Location"]) == (303, "/console/events?source=zego")
    assert operator.is_logged_in


@pytest.mark.parametrize(
    "token", ["", "wrong", API_TOKEN + "x", API_TOKEN[:-1], "\udcff".encode("utf-8", "replace").decode()]
)
def test_a_wrong_token_opens_nothing_and_costs_a_second(service: Service, token: str) -> None:
    operator, began = Operator(service), time.monotonic()
    answer = operator.log_in(token)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    assert time.monotonic() - began >= 1
    assert not operator.is_logged_in


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(service: Service) -> None:
    plain = Operator(service).log_in().headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Strict" in plain
    assert "Path=/console" in plain
    assert "Secure" not in plain
    assert "Secure" in Operator(service, X_Forwarded_Proto="https").log_in().headers["Set-Cookie"]


def test_logging_in_begins_a_new_session_whatever_cookie_was_there_before(service: Service) -> None:
    victim = Operator(service)
    victim.log_in()
    before = victim.cookies[session.COOKIE]
    victim.log_in()
    assert victim.cookies[session.COOKIE] != before
    planted = Operator(service)
    planted.cookies[session.COOKIE] = "planted"
    assert not planted.is_logged_in
    planted.log_in()
    assert planted.cookies[session.COOKIE] != "planted"


def test_logging_out_ends_the_session_for_whoever_kept_its_cookie(operator: Operator) -> None:
    kept = dict(operator.cookies)
    assert operator.post("/console/log-out").status == 303
    assert not operator.cookies
    thief = Operator(operator.service)
    thief.cookies = kept
    assert not thief.is_logged_in


def test_a_session_changed_by_its_holder_is_none(operator: Operator) -> None:
    cookie = operator.cookies[session.COOKIE]
    for place in (1, len(cookie) // 2, len(cookie) - 2):
        operator.cookies[session.COOKIE] = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert not operator.is_logged_in
    operator.cookies[session.COOKIE] = cookie
    assert operator.is_logged_in


def test_a_session_ends_after_half_a_day(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"REDIS_URL": redis_url, "API_TOKEN": API_TOKEN, "PULL_CREDENTIALS": "a:b", "DATA_DIR": str(tmp_path)}
    client = create_app(read_settings(environment)).test_client()
    client.post("/console/log-in", data={"token": API_TOKEN})
    assert client.get("/console").status_code == 200
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + session.LASTS - 60)
    assert client.get("/console").status_code == 200
    monkeypatch.setattr(time, "time", lambda: real() + session.LASTS + 60)
    assert client.get("/console").status_code == 303


def test_another_api_token_ends_all_sessions_and_the_same_one_none(redis_url: str, tmp_path: Path) -> None:
    def client(token: str):
        environment = {"REDIS_URL": redis_url, "API_TOKEN": token, "PULL_CREDENTIALS": "a:b", "DATA_DIR": str(tmp_path)}
        return create_app(read_settings(environment)).test_client()

    first = client(API_TOKEN)
    first.post("/console/log-in", data={"token": API_TOKEN})
    cookie = first.get_cookie(session.COOKIE, path="/console")
    assert cookie
    for token, status in ((API_TOKEN, 200), ("another", 303)):
        other = client(token)
        other.set_cookie(session.COOKIE, cookie.value, path="/console")
        assert other.get("/console").status_code == status, token


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/console/../../evil",
        "\\\\evil.example",
        "/consolevil",
        "javascript:alert(1)",
        "/console\r\nSet-Cookie: a=b",
        "http:///console",
    ],
)
def test_nobody_is_sent_elsewhere_by_a_log_in(service: Service, where: str) -> None:
    answer = Operator(service).log_in(next=where)
    assert answer.status == 303
    assert answer.headers["Location"] == "/console"
    assert "a" not in {cookie.partition("=")[0] for cookie in answer.headers.get_all("Set-Cookie")}


@pytest.mark.parametrize(
    "path", ["/log-out", "/preferences", "/dead-letter-replay/zego:1", "/dead-letter-discard/zego:1"]
)
def test_no_form_changes_anything_without_the_sessions_own_token(operator: Operator, path: str) -> None:
    other = Operator(operator.service)
    other.log_in()
    for token in ({}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": other.csrf()}):
        assert operator.post_bare("/console" + path, **token).status == 403
    assert operator.is_logged_in


def test_a_form_of_another_site_is_refused_even_at_the_door(service: Service) -> None:
    assert Operator(service, Sec_Fetch_Site="cross-site").log_in().status == 403
    assert Operator(service, Sec_Fetch_Site="same-site").log_in().status == 403
    assert Operator(service, Sec_Fetch_Site="same-origin").log_in().status == 303


def test_nothing_changes_by_following_a_link(operator: Operator) -> None:
    for path in ("/log-out", "/preferences", "/dead-letter-replay/zego:1"):
        assert operator.get("/console" + path).status in (404, 405)
    assert operator.is_logged_in


@pytest.mark.parametrize("path", ["", "/log-in", "/events", "/dead-letters", "/dead-letters/zego:1", "/nothing"])
def test_every_page_forbids_what_it_does_not_need(operator: Operator, path: str) -> None:
    headers = operator.get("/console" + path).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_door_asks_in_the_visitors_language(service: Service) -> None:
    assert "API 令牌" in Operator(service, Accept_Language="zh-CN,zh;q=0.9,en;q=0.5").page("/console/log-in")
    assert "API token" in Operator(service, Accept_Language="de,en;q=0.5").page("/console/log-in")
    chosen = Operator(service)
    assert 'action="/console/log-in?language=zh"' in chosen.page("/console/log-in?language=zh")
    chosen.post_bare("/console/log-in?language=zh", token=API_TOKEN)
    assert "积压情况" in chosen.page("/console")


def test_a_form_that_is_too_large_is_refused_in_a_sentence(service: Service, operator: Operator) -> None:
    for visitor, path in ((Operator(service), "/log-in"), (operator, "/preferences")):
        answer = visitor.post_bare("/console" + path, token="x" * 70_000)
        assert answer.status == 413
        assert "<h1>" in answer.body.decode()


def test_a_session_holds_across_all_web_processes(operator: Operator) -> None:
    assert all(operator.is_logged_in for _ in range(20))


def test_styles_and_script_may_be_kept_for_ever_and_nothing_else_is_served(
    service: Service, operator: Operator
) -> None:
    page = operator.page("/console")
    for name in ("console.css", "console.js", "icon.svg"):
        address = next(part for part in page.split('"') if part.endswith(name))
        answer = Operator(service).get(address)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert Operator(service).get(f"/console/static/old/{name}").headers["Cache-Control"] == "no-store"
    for path in ("x/secrets.json", "x/..%2f__init__.py", "x/../view.py"):
        assert Operator(service).get(f"/console/static/{path}").status in (303, 404)
