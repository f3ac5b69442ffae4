"""The part of `syncd check` that tries notifiers, by connecting alone: nobody gets a message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from syncd.sdk.errors import PluginError, SyncdError, VendorUnavailable
from syncd.sdk.records import CheckResult
from syncd.sdk.verdict import cleaned

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.config.settings import NotifierSettings

PATIENCE_SECONDS = 30.0
"""How long one notifier may take to answer a check."""


async def try_notifier(app: App, settings: NotifierSettings) -> CheckResult:
    """Connect to where messages would go.

    Raises:
        SyncdError: it cannot be used; the sentence repeats no secret.
    """
    from syncd.telling import open_notifier, secrets_of

    name, secrets = settings.name, list(secrets_of(settings.config))
    try:
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            open_notifier(app, settings) as notifier,
        ):
            result = await notifier.check()
    except SyncdError as error:
        raise type(error)(
            cleaned(str(error), secrets), remedy=cleaned(error.remedy, secrets)
        ) from None
    except TimeoutError:
        message = f"{name} did not answer within {PATIENCE_SECONDS:.0f} s"
        raise VendorUnavailable(message, remedy="try again later") from None
    except Exception as error:  # noqa: BLE001 - isolation: shown by name, the others go on
        plugin = settings.kind.name
        message = f"the check of {name} failed: {type(error).__name__} in plugin '{plugin}'"
        raise PluginError(message, remedy="tell the plugin's author") from None
    return result
