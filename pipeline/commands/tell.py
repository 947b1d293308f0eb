"""Tell the webhook that a scheduled step gave up. Carries the step's name and nothing out of any log."""

import argparse
from typing import Any

from pipeline import notify
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    sent = notify.send(settings.notify_url, notify.failure(args.step, args.run_id, args.code, retry=False))
    return {"id": None, "sent": sent, "text": "sent" if sent else "not sent"}
