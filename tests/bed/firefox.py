"""Stock Firefox (Debian's firefox-esr), headless, whose push service is ours."""

from __future__ import annotations

from pathlib import Path

from tests.bed.browser import Browser
from tests.browsers import require_browser

# Quiet: no call leaves the machine. The push ones make Firefox talk plain ws to the bed.
PREFERENCES: dict[str, str | int | bool] = {
    "alerts.disableSlidingEffect": True,
    "alerts.useSystemBackend": False,  # there is no desktop to show them: Firefox draws its own
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": True,
    "dom.push.enabled": True,
    "dom.push.retryBaseInterval": 200,  # ms before the first reconnection; 5,000 in the wild
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.push.testing.ignorePermission": True,
    "dom.serviceWorkers.testing.enabled": True,
    "dom.webnotifications.requireinteraction.enabled": True,
    "extensions.update.enabled": False,
    "geo.prompt.testing": True,
    "geo.prompt.testing.allow": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "permissions.default.desktop-notification": 1,
    "permissions.default.geo": 1,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.server": "data:,",
}


def firefox(
    push_ws_url: str | None = None, profile_dir: Path | None = None, *, languages: str = "ja,en"
) -> Browser:
    """A stock Firefox that subscribes at `push_ws_url` (`PushService.ws_url`). Skips where there is none.

    It draws notifications itself and drops them after 20 s, unless they ask for interaction.
    With `profile_dir` a second Firefox finds the subscriptions and service workers of the first again.
    """
    url = push_ws_url or "ws://127.0.0.1:9/none"
    return Browser(
        kind="firefox",
        program=require_browser("firefox"),
        arguments=["--remote-allow-system-access"],  # to click on the alerts it draws
        preferences={**PREFERENCES, "dom.push.serverURL": url, "intl.accept_languages": languages},
        profile=profile_dir,
    )
