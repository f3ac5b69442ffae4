"""One conversation with an SMTP server, blocking, and what each way of failing means.

Until the text of the mail was handed over nothing can have arrived; from then on only an answer of
the server tells.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final

from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    OutcomeUnknown,
    ProtocolError,
    RequestRejected,
    VendorUnavailable,
)
from syncd_mail.config import MailConfig

_ACCEPTED: Final = 250
_ALSO_ACCEPTED: Final = 251
_TEMPORARY: Final = range(400, 500)


class Session:
    """A conversation; made for one use."""

    def __init__(self, notifier: str, config: MailConfig) -> None:
        self._notifier = notifier
        self._config = config
        self._client: smtplib.SMTP | None = None
        self._turn = threading.Lock()
        self._given_up = False

    def greet(self) -> None:
        """Connect, encrypt, log in and leave.

        Raises:
            ConnectorError: a step failed; nothing was sent.
        """
        try:
            self._enter()
        finally:
            self._leave()

    def deliver(self, mail: EmailMessage, begun: Callable[[], None]) -> str:
        """Hand over one mail; returns what was not as it should be, or nothing.

        Raises:
            OutcomeUnknown: it was handed over and no answer came.
            ConnectorError: of another kind: it was surely not taken.
        """
        try:
            client = self._enter()
            refused = self._envelope(client)
            self._begin(begun)
            self._hand_over(client, mail)
        finally:
            self._leave()
        if refused:
            n = len(self._config.to)
            return f"the server refused {refused} of {n} addresses; the others were served"
        return ""

    def cut(self) -> None:
        """Give up from another thread: what has not begun never will, and a wait ends."""
        with self._turn:
            self._given_up = True
        client = self._client
        sock = None if client is None else client.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is cut already

    def _begin(self, begun: Callable[[], None]) -> None:
        with self._turn:
            if self._given_up:
                raise ConnectFailed(f"{self._notifier}: given up before the mail was handed over")
            begun()

    def _enter(self) -> smtplib.SMTP:
        config = self._config
        try:
            client = self._connected()
            if config.security == "starttls":
                client.starttls(context=self._trust())
                client.ehlo()
            if config.user is not None and config.password is not None:
                client.login(config.user, config.password.get_secret_value())
        except (OSError, smtplib.SMTPException) as error:
            raise self._refused(error) from None
        return client

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        # Named here, as the library would ask the DNS for it, which may take long.
        own = socket.gethostname()
        if config.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                config.host,
                config.port_number,
                own,
                timeout=config.timeout_seconds,
                context=self._trust(),
            )
        else:
            client = smtplib.SMTP(
                config.host, config.port_number, own, timeout=config.timeout_seconds
            )
        self._client = client
        client.ehlo_or_helo_if_needed()
        return client

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._config.ca_file)

    def _envelope(self, client: smtplib.SMTP) -> int:
        """Sender and recipients; how many of them were refused."""
        try:
            code, _ = client.mail(self._config.sender)
            if code != _ACCEPTED:
                raise self._said(code, "refused the sender")
            codes = [client.rcpt(address)[0] for address in self._config.to]
        except (OSError, smtplib.SMTPException) as error:
            raise self._refused(error) from None
        refused = [one for one in codes if one not in {_ACCEPTED, _ALSO_ACCEPTED}]
        if len(refused) == len(codes):
            raise self._said(refused[0], "refused every address in `to`")
        return len(refused)

    def _hand_over(self, client: smtplib.SMTP, mail: EmailMessage) -> None:
        try:
            code, _ = client.data(mail.as_bytes())
        except smtplib.SMTPDataError as error:
            raise self._said(error.smtp_code, "refused the text") from None
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknown(
                f"{self._notifier}: the mail was handed over and the server's answer was not seen "
                f"({type(error).__name__})",
                remedy="nothing to do: its content is in the next message",
                connection=self._notifier,
            ) from None
        if code != _ACCEPTED:
            raise self._said(code, "refused the mail")

    def _leave(self) -> None:
        client = self._client
        if client is not None:
            # Without QUIT's answer: the mail is taken, and a server may keep silent for long.
            client.close()

    def _said(self, code: int, what: str) -> ConnectorError:
        """The error for a code of the server; its words may repeat addresses and are left out."""
        where = f"{self._notifier}: the mail server {what} ({code})"
        if code in _TEMPORARY:
            return VendorUnavailable(where, remedy="nothing to do: it is tried again")
        return RequestRejected(
            where, remedy="mend `from`, `to` or the login of the notifier, then test it"
        )

    def _refused(self, error: Exception) -> ConnectorError:
        name, server = self._notifier, f"{self._config.host}:{self._config.port_number}"
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return AuthError(
                f"{name}: the mail server refused the login ({error.smtp_code})",
                remedy="renew `user` and `password` of the notifier",
            )
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return ProtocolError(
                f"{name}: {server} does not offer what `security` and the login ask for",
                remedy="write another `security` or port, or leave the login out",
            )
        if isinstance(error, ssl.SSLError):
            return ProtocolError(
                f"{name}: the connection to {server} cannot be encrypted: "
                f"{error.reason or type(error).__name__}",
                remedy="mend the server's certificate, or name its issuer with `ca_file`",
            )
        if isinstance(error, smtplib.SMTPResponseException):
            return self._said(error.smtp_code, "refused the conversation")
        if type(error) is smtplib.SMTPException:
            return ProtocolError(
                f"{name}: {server} offers no way to log in that is known here",
                remedy="ask for AUTH PLAIN, LOGIN or CRAM-MD5, or leave the login out",
            )
        what = "did not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
        return ConnectFailed(
            f"{name}: the mail server {server} {what} ({type(error).__name__})",
            remedy="check `host`, `port` and the network",
        )
