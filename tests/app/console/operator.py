"""Somebody at the console, without a browser: keeps the session's cookie and sends its token with every form."""

import re
from urllib.parse import urlencode

from tests.running import API_TOKEN, Answer, Service


class Operator:
    """One visitor of a service's console."""

    def __init__(self, service: Service, **headers: str) -> None:
        self.service = service
        self.cookies: dict[str, str] = {}
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def get(self, path: str, **headers: str) -> Answer:
        return self._request("GET", path, None, headers)

    def page(self, path: str) -> str:
        """The text of a page that is there."""
        answer = self.get(path)
        assert answer.status == 200, (answer.status, answer.body[:2000])
        return answer.body.decode()

    def post(self, path: str, **form: str) -> Answer:
        """Sends a form, with the token of this session."""
        return self.post_bare(path, csrf=self.csrf(), **form)

    def post_bare(self, path: str, **form: str) -> Answer:
        """Sends a form as it is."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", path, urlencode(form).encode(), headers)

    def log_in(self, token: str = API_TOKEN, **form: str) -> Answer:
        return self.post_bare("/console/log-in", token=token, **form)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.page("/console/events"))
        assert found
        return found[1]

    @property
    def is_logged_in(self) -> bool:
        return self.get("/console").status == 200

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        headers = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.service.request(method, path, body, headers)
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer
