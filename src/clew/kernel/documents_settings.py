"""Where documents and files are kept, as settings: a part of `clew.kernel.settings.Settings`."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from clew.kernel.setting_kinds import AbsolutePath, MongoUrl


class DocumentsSettings(BaseSettings):
    """MongoDB, and the store of files."""

    documents_url: MongoUrl | None = Field(
        None,
        description="MongoDB 5 or newer that keeps a view of documents, as "
        "mongodb://user:password@host:27017/database?tls=true, with a database for each installation. Unset: they are "
        "read where the record has them.",
    )
    documents_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that MongoDB's one is checked against. Unset: the system's."
    )
    documents_timeout_seconds: int = Field(
        30, ge=1, le=600, description="Seconds to wait for an answer of the MongoDB."
    )
    files_url: str | None = Field(
        None,
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?$",
        description="Bucket, and prefix in it, of S3-compatible storage that keeps files, as s3://bucket/prefix. "
        "Unset: the data directory.",
    )
    files_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#@]+/?$",
        description="Address of that storage, such as https://minio.example:9000. Unset: Amazon's of the region.",
    )
    files_region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{2,40}$", description="Region of the bucket.")
    files_access_key: str | None = Field(None, description="Access key of that storage.")
    files_secret_key: SecretStr | None = Field(None, description="Secret key that belongs to the access key.")
    files_timeout_seconds: int = Field(
        60, ge=1, le=3600, description="Seconds that one request to that storage may take, retries not counted."
    )
    files_key_file: AbsolutePath | None = Field(
        None,
        description="File of keys by which files are encrypted at rest, a line each as NAME:64-hexadecimal-digits, "
        "the one in use first. Unset: files are kept as they are.",
    )
    files_unreferenced_hours: int = Field(
        48, ge=1, le=87_600, description="Hours for which content that the record does not refer to is kept."
    )
