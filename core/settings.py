"""Settings, read once by the entry points from the environment (``KINOGRAPH_*``) and an optional ``.env`` file.

Functions receive the narrow value they need, never this object.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import BadInput


class Settings(BaseSettings):
    """Every knob with its embedded default; changing settings alone turns a laptop into a cluster."""

    model_config = SettingsConfigDict(
        env_prefix="KINOGRAPH_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default=Path.home() / ".kinograph", description="Folder of all data in embedded mode.")
    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    url: str | None = Field(default=None, description="API that the command line talks to.")
    api_key: SecretStr | None = Field(default=None, description="Key that clients must send as a bearer token.")
    allow_no_key: bool = Field(
        default=False, description="Serve beyond this machine without a key, where something else keeps strangers out."
    )

    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in home.")
    broker_url: str | None = Field(
        default=None, description="Celery broker; default: the filesystem transport in home."
    )
    qdrant_url: str | None = Field(default=None, description="Qdrant server; default: embedded shard in home.")
    qdrant_api_key: SecretStr | None = None
    media_url: str | None = Field(default=None, description="fsspec URL of the media store; default: a folder in home.")

    profile: Literal["offline", "standard"] = "offline"
    speech_model: str = Field(default="base", description="offline: base or tiny.en; standard: a faster-whisper name.")
    text_model: str = Field(
        default="intfloat/multilingual-e5-small", description="standard: any sentence-transformers model."
    )
    token_model: str = Field(
        default="answerdotai/answerai-colbert-small-v1",
        description="standard: a late-interaction text model, or the text model again for tokens of its own.",
    )
    clip_model: str = Field(default="ViT-B-32", description="standard: an open_clip model.")
    clip_weights: str = "laion2b_s34b_b79k"
    visual_retriever: str | None = Field(
        default=None, description="standard: a late-interaction retriever in place of CLIP: vidore/colqwen2-v1.0-hf …"
    )
    threads: int = Field(default=0, ge=0, description="Threads per model; 0 lets the machine decide.")

    vlm_url: str | None = Field(default=None, description="OpenAI-compatible endpoint, e.g. http://localhost:11434/v1.")
    vlm_model: str | None = Field(default=None, description="Its model; without a URL a local transformers model.")
    vlm_api_key: SecretStr | None = None
    vlm_timeout_s: float = Field(default=120.0, gt=0)

    workers: int = Field(default=1, ge=0, le=64, description="Child worker processes of `kinograph serve`.")
    part_s: float = Field(default=60.0, ge=10, le=600, description="Target length of a part in seconds.")
    lease_s: float = Field(
        default=30.0, gt=0, description="A part not renewed for this long is given to another worker."
    )
    max_upload_bytes: int = Field(default=50 * 2**30, gt=0)
    max_duration_s: float = Field(default=24 * 3600, gt=0)
    min_free_bytes: int = Field(default=512 * 2**20, ge=0, description="Uploads are refused below this much free disk.")

    @property
    def is_index_embedded(self) -> bool:
        """Whether the API process owns the vector shard and therefore publishes parts itself."""
        return self.qdrant_url is None

    @property
    def is_broker_embedded(self) -> bool:
        return self.broker_url is None


def read_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        BadInput: a variable has a value that cannot be.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"KINOGRAPH_{'_'.join(map(str, first['loc']))}".upper()
        raise BadInput(f"{variable}: {first['msg']}", remedy="Correct it in the environment or in .env.") from error
