"""A real Chromium on a pipe (DevTools protocol, no driver package): opens a page, listens, measures, takes pictures."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--remote-debugging-pipe")


class Browser:
    """One tab. `console` and `requests` hold what the page said and asked for since it was opened."""

    def __init__(self) -> None:
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours, its = os.pipe(), os.pipe()
        read, write = ours[0], its[1]  # Chromium reads fd 3 and writes fd 4
        shell = ["bash", "-c", f'exec "$@" 3<&{read} 4>&{write}', "bash"]
        command = [*shell, str(CHROMIUM), *QUIET, f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(command, pass_fds=(read, write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(its[1])
        self.to, self.back = os.fdopen(ours[1], "wb", buffering=0), os.fdopen(its[0], "rb", buffering=0)
        self.buffer, self.number, self.session = b"", 0, None
        self.console: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": values} | ({"sessionId": self.session} if self.session else {})
        self.to.write(json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self.number:
                assert "error" not in found, found["error"]
                return found["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            got = os.read(self.back.fileno(), 1 << 16)
            assert got, "Chromium has gone"
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\0", 1)
        found = json.loads(line)
        said = found.get("params", {})
        if found.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"):
            self.console.append(json.dumps(said))
        if found.get("method") == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        self.last = found.get("method")
        return found

    def open(self, page: Path, width: int, height: int = 1800, dark: bool = False) -> None:
        self.console.clear()
        self.requests.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while self.last != "Page.loadEventFired":
            self._next()

    def value(self, expression: str) -> Any:
        """What an expression gives; a promise is waited for."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)["result"].get("value")

    def picture(self, to: Path) -> None:
        """The whole page, as far down as it goes."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        to.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]))

    def pdf(self, to: Path) -> None:
        to.write_bytes(base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()
