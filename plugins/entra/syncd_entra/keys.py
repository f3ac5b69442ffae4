"""By what an application proves itself to Microsoft: a secret, or a certificate with its key.

The shared application has one, and a tenant with an application of its own has another.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from syncd_entra.rules import Guid

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Key(BaseModel):
    """An application and its proof."""

    model_config = STRICT

    client_id: Text | None = Field(default=None, description="Application (client) ID.")
    client_secret: SecretStr | None = Field(
        default=None, description="The application's secret, by reference only."
    )
    certificate: SecretStr | None = Field(
        default=None,
        description="In place of a secret: PEM of its private key and certificate, by reference.",
    )
    certificate_password: SecretStr | None = Field(
        default=None, description="Password of the private key, where it has one."
    )

    @field_validator("client_secret", "certificate_password")
    @classmethod
    def _filled(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not secret.get_secret_value().strip():
            message = "the secret is empty"
            raise ValueError(message)
        return secret

    @field_validator("certificate")
    @classmethod
    def _both_halves(cls, pem: SecretStr | None) -> SecretStr | None:
        # Whether they fit is found when it is used: reading a key loads a large library.
        if pem is not None:
            text = pem.get_secret_value()
            for half in ("CERTIFICATE", "PRIVATE KEY"):
                if f"{half}-----" not in text:
                    message = (
                        f"the certificate's file holds no {half}; write the private key and the"
                        " certificate into one PEM file"
                    )
                    raise ValueError(message)
        return pem

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if self.client_secret is not None and self.certificate is not None:
            message = "client_secret and certificate stand beside each other; keep one of them"
            raise ValueError(message)
        if self.certificate_password is not None and self.certificate is None:
            message = "certificate_password belongs to a certificate; write one or remove it"
            raise ValueError(message)
        return self

    @property
    def has_proof(self) -> bool:
        return self.client_secret is not None or self.certificate is not None

    @property
    def is_whole(self) -> bool:
        """Whether an application can be proven by it."""
        return self.client_id is not None and self.has_proof


class Tenant(Key):
    """One customer's tenant; a key in it is that of an application of its own."""

    id: Guid = Field(description="Tenant ID, as Entra shows it under Overview.")
    name: Text = Field(description="The customer's name, for people and for link proposals.")

    @property
    def has_own_app(self) -> bool:
        return self.client_id is not None
