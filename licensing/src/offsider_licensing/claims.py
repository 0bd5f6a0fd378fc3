"""What a licence says: its claims, checked strictly. Knows neither files nor signatures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .errors import LicenseMalformed

LAST_SECOND = 253_402_300_799  # of the year 9999, the last that a date can show
MOST_GRACE_DAYS = 3_650

Moment = Annotated[int, Field(ge=0, le=LAST_SECOND)]


class Limits(BaseModel):
    """What is counted.

    Attributes:
        threads: Worker threads over all processes; None for as many as you like.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    threads: Annotated[int, Field(ge=1, le=1_000_000_000)] | None


class Claims(BaseModel):
    """Everything that was signed. Unknown claims are those of later versions, and ignored.

    Attributes:
        iss: Who issued it.
        sub: The customer's name.
        jti: The licence's id.
        aud: The editions that it is for.
        iat: When it was issued, in seconds since 1970.
        exp: When it ends.
        grace_days: How long a version that is newer than its end goes on.
        limits: What is counted.
        key_id: The user's name at the private index.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    iss: Literal["offsider"]
    sub: Annotated[str, Field(min_length=1, max_length=200)]
    jti: Annotated[str, Field(pattern=r"^lic_[a-z2-7]{16}$")]
    aud: Annotated[list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]], Field(min_length=1, max_length=16)]
    iat: Moment
    exp: Moment
    grace_days: Annotated[int, Field(ge=0, le=MOST_GRACE_DAYS)]
    limits: Limits
    key_id: Annotated[str, Field(pattern=r"^key_[a-z2-7]{16}$")]

    @field_validator("sub")
    @classmethod
    def _is_one_line(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            raise ValueError("expected one line of letters that can be shown")
        return name

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Claims:
        if self.exp <= self.iat:
            raise ValueError("exp is not after iat")
        return self


def checked(claims: dict[str, Any]) -> Claims:
    """The claims, each of its type and within its bounds.

    Raises:
        LicenseMalformed: One is missing or wrong; the message names it and never has its value.
    """
    try:
        return Claims.model_validate(claims)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise LicenseMalformed(f"the licence has a claim that it cannot have: {where}: {first['msg']}") from None
