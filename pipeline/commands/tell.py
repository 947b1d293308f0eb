"""Tell the webhook that a scheduled step gave up. Carries the step's name and nothing out of any log."""

import argparse
from typing import Any

from pipeline.promote import notify
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    sent = notify.send(settings, args.event, {"about": args.about[:300]})
    return {"id": None, "event": args.event, "sent": bool(sent), "text": f"{args.event}: {'sent' if sent else 'not sent'}"}
