"""What all bodies and views share: limits, strictness, problems and the addresses of pictures.

It does not know any record of Kinograph but Region.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from core.records import Region

MAX_TITLE_CHARS = 200
"""Fits a line of a listing; longer ones are cut by the upload and refused by the rename."""
MAX_QUERY_CHARS = 2_000
"""Several times what the text encoder reads (256 tokens); more than this is a paste by mistake."""
MAX_QUESTION_CHARS = 8_000
MAX_OPTION_CHARS = 1_000
MAX_OPTIONS = 26
"""As many as there are letters to name them by."""
MAX_VIDEO_IDS = 500

VideoIds = Annotated[
    list[Annotated[str, StringConstraints(max_length=64)]],
    Field(max_length=MAX_VIDEO_IDS, description="Ids of the videos to look in; empty means the whole library."),
]
NonBlank = StringConstraints(strip_whitespace=True, min_length=1, pattern=r"\S")
VIDEO_ID_EXAMPLE = "6f1c2f0e-3c83-4e63-9d0a-2f4a5a1e8b77"


class Body(BaseModel):
    """What a client sends: unknown fields are refused, so that a misspelt option is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class View(BaseModel):
    """What a client receives."""

    model_config = ConfigDict(frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _to_milliseconds(cls, value: Any, info: ValidationInfo) -> Any:
        """Round instants and durations to what a player can tell apart."""
        is_seconds = isinstance(value, float) and str(info.field_name).endswith("_s")
        return round(value, 3) if is_seconds else value


class FieldProblem(View):
    """One field of the request that is wrong."""

    field: str = Field(examples=["body.limit"])
    reason: str = Field(examples=["Input should be less than or equal to 100"])


class Problem(View):
    """An error, as RFC 9457 shapes it; ``remedy`` says what to do about it."""

    type: str = Field(description="Identifies the kind of problem.", examples=["urn:kinograph:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no video 'abc'"])
    remedy: str = Field(default="", examples=["List the videos with GET /v1/videos."])
    errors: list[FieldProblem] | None = Field(default=None, description="The fields that are wrong, if any.")


class RegionView(View):
    """A rectangle of a picture, as shares of its width and height from its top left corner."""

    left: float = Field(ge=0, le=1, examples=[0.12])
    top: float = Field(ge=0, le=1, examples=[0.78])
    right: float = Field(ge=0, le=1, examples=[0.64])
    bottom: float = Field(ge=0, le=1, examples=[0.86])
    time_s: float = Field(description="The instant at which it is true; what moves stands elsewhere before and after.")
    picture_url: str = Field(description="The picture of that instant.")

    @classmethod
    def of(cls, region: Region, video_id: str, revision: int) -> Self:
        """Return the view of a region in a video of that revision."""
        left, top, right, bottom = region.outline
        picture_url = thumbnail_url(video_id, region.time_s, revision)
        return cls(left=left, top=top, right=right, bottom=bottom, time_s=region.time_s, picture_url=picture_url)


def thumbnail_url(video_id: str, time_s: float, revision: int) -> str:
    """Return where the picture of an instant is, relative to the server's root; another revision may have another one.

    >>> thumbnail_url("abc", 12.3456, 3)
    '/v1/videos/abc/thumbnail?t=12.346&v=3'
    """
    return f"/v1/videos/{video_id}/thumbnail?t={time_s:.3f}&v={revision}"
