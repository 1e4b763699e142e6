"""Settings of video, read from the environment."""

from pydantic import Field, SecretStr

from service_kit.settings import ServiceSettings


class VideoSettings(ServiceSettings):
    """What video needs beside the common settings."""

    jitsi_domain: str = Field(
        default="meet.jit.si", description="Host of the Jitsi Meet deployment"
    )
    jitsi_app_id: str | None = Field(
        default=None, description="Issuer of the tokens; needs the secret"
    )
    jitsi_app_secret: SecretStr | None = Field(
        default=None, description="HS256 key of the tokens, 32 bytes or longer; needs the app id"
    )
    jitsi_audience: str = Field(default="jitsi", description="Audience that the deployment accepts")
