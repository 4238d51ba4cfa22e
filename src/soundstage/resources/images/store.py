"""The table of streaming images."""

from sqlalchemy import Column, ForeignKey, String, Table

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.records import Records, listed_by
from soundstage.resources.images.model import StreamingImage

table = Table(
    "images",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("description", String(256)),
    Column("ec2_image_id", String, nullable=False),
    Column("platform", String(32), nullable=False),
    Column("eula_ids", Document(list[str]), nullable=False),
    Column("tags", Document(dict[str, str]), nullable=False),
    Column("state", String(32), nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    *lease.columns(),
    listed_by("studio_id"),
)
images = Records(table, StreamingImage)
