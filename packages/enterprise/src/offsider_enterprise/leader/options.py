"""What the leader adds to ``offsider worker``."""

from __future__ import annotations

from typing import Any

from offsider.contract.setting_option import SettingOption

NO_LEADER = SettingOption(
    words=("--no-leader",),
    setting="enterprise.leader",
    help="This worker never becomes the leader.",
    is_flag=True,
    value=False,
)


def install_cli(cli: Any, by: str) -> None:
    """On the command line."""
    cli.worker_options.add("no-leader", NO_LEADER, by=by)
