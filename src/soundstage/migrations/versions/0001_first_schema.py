"""The first schema."""

import sqlalchemy as sa
from alembic import op

from soundstage.kit.database import Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "client_tokens",
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("studio_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "principal_id", "operation", "studio_id", "token", name=op.f("pk_client_tokens")
        ),
    )
    with op.batch_alter_table("client_tokens", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_client_tokens_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "journal",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=256), nullable=False),
        sa.Column("actor", sa.String(length=256), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_journal")),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_subject"), ["subject"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name", name=op.f("uq_people_name")),
    )
    op.create_table(
        "studios",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("studio_name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=64), nullable=False),
        sa.Column("admin_role_arn", sa.String(length=2048), nullable=False),
        sa.Column("user_role_arn", sa.String(length=2048), nullable=False),
        sa.Column("studio_encryption_configuration", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("sso_client_id", sa.String(length=64), nullable=False),
        sa.Column("home_region", sa.String(length=50), nullable=False),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studios")),
    )
    with op.batch_alter_table("studios", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_studios_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_studios_lease_until"), ["lease_until"], unique=False)

    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("principal_id", sa.String(length=256), nullable=False),
        sa.Column("sealed_secret", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["people.id"], name=op.f("fk_access_keys_principal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_keys")),
    )
    with op.batch_alter_table("access_keys", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_access_keys_principal_id"), ["principal_id"], unique=False
        )

    op.create_table(
        "backups",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=22), nullable=False),
        sa.Column("stop_number", sa.Integer(), nullable=False),
        sa.Column("launch_profile_id", sa.String(length=22), nullable=False),
        sa.Column("owned_by", sa.String(length=256), nullable=False),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_since", Moment(), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("purge_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["studio_id"], ["studios.id"], name=op.f("fk_backups_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
        sa.UniqueConstraint(
            "session_id", "stop_number", name=op.f("uq_backups_session_id_stop_number")
        ),
    )
    with op.batch_alter_table("backups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_backups_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_backups_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_backups_owned_by"), ["owned_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_backups_studio_id"), ["studio_id"], unique=False)

    op.create_table(
        "components",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=256), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("subtype", sa.String(length=32), nullable=False),
        sa.Column("configuration", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("ec2_security_group_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("initialization_scripts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("script_parameters", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("runtime_role_arn", sa.String(length=2048), nullable=True),
        sa.Column("secure_initialization_role_arn", sa.String(length=2048), nullable=True),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", sa.String(length=256), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studios.id"], name=op.f("fk_components_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_components")),
    )
    with op.batch_alter_table("components", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_components_due_at"), ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_components_lease_until"), ["lease_until"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_components_studio_id"), ["studio_id"], unique=False)

    op.create_table(
        "images",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=256), nullable=True),
        sa.Column("ec2_image_id", sa.String(), nullable=False),
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("eula_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["studio_id"], ["studios.id"], name=op.f("fk_images_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_images_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_images_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_images_studio_id"), ["studio_id"], unique=False)

    op.create_table(
        "launch_profiles",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=256), nullable=True),
        sa.Column("ec2_subnet_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("launch_profile_protocol_versions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("stream_configuration", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("studio_component_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("validation_results", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", sa.String(length=256), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studios.id"], name=op.f("fk_launch_profiles_studio_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_launch_profiles")),
    )
    with op.batch_alter_table("launch_profiles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_launch_profiles_due_at"), ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_launch_profiles_lease_until"), ["lease_until"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_launch_profiles_studio_id"), ["studio_id"], unique=False
        )

    op.create_table(
        "studio_members",
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("principal_id", sa.String(length=256), nullable=False),
        sa.Column("identity_store_id", sa.String(length=64), nullable=False),
        sa.Column("persona", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["studio_id"], ["studios.id"], name=op.f("fk_studio_members_studio_id")
        ),
        sa.PrimaryKeyConstraint("studio_id", "principal_id", name=op.f("pk_studio_members")),
    )
    op.create_table(
        "launch_profile_members",
        sa.Column("launch_profile_id", sa.String(length=22), nullable=False),
        sa.Column("principal_id", sa.String(length=256), nullable=False),
        sa.Column("identity_store_id", sa.String(length=64), nullable=False),
        sa.Column("persona", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["launch_profile_id"],
            ["launch_profiles.id"],
            name=op.f("fk_launch_profile_members_launch_profile_id"),
        ),
        sa.PrimaryKeyConstraint(
            "launch_profile_id", "principal_id", name=op.f("pk_launch_profile_members")
        ),
    )
    with op.batch_alter_table("launch_profile_members", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_launch_profile_members_principal_id"), ["principal_id"], unique=False
        )

    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("launch_profile_id", sa.String(length=22), nullable=False),
        sa.Column("streaming_image_id", sa.String(length=22), nullable=False),
        sa.Column("ec2_image_id", sa.String(), nullable=False),
        sa.Column("ec2_instance_type", sa.String(length=32), nullable=False),
        sa.Column("owned_by", sa.String(length=256), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("updated_by", sa.String(length=256), nullable=False),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_since", Moment(), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("session_persistence_mode", sa.String(length=16), nullable=False),
        sa.Column("automatic_termination_mode", sa.String(length=16), nullable=False),
        sa.Column("backup_mode", sa.String(length=16), nullable=False),
        sa.Column("max_backups_to_retain", sa.Integer(), nullable=False),
        sa.Column("volume_configuration", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("clipboard_mode", sa.String(length=16), nullable=False),
        sa.Column("max_session_length_in_minutes", sa.Integer(), nullable=False),
        sa.Column("max_stopped_session_length_in_minutes", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("running_attempt", sa.Integer(), nullable=True),
        sa.Column("heals", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("volume_generation", sa.Integer(), nullable=False),
        sa.Column("volume_backup_id", sa.String(length=22), nullable=True),
        sa.Column("previous_volume_generation", sa.Integer(), nullable=False),
        sa.Column("is_volume_deleted", sa.Boolean(), nullable=False),
        sa.Column("stop_number", sa.Integer(), nullable=False),
        sa.Column("volume_retention_mode", sa.String(length=16), nullable=True),
        sa.Column("started_at", Moment(), nullable=True),
        sa.Column("started_by", sa.String(length=256), nullable=True),
        sa.Column("started_from_backup_id", sa.String(length=22), nullable=True),
        sa.Column("stopped_at", Moment(), nullable=True),
        sa.Column("stopped_by", sa.String(length=256), nullable=True),
        sa.Column("stop_at", Moment(), nullable=True),
        sa.Column("terminate_at", Moment(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["launch_profile_id"],
            ["launch_profiles.id"],
            name=op.f("fk_sessions_launch_profile_id"),
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studios.id"], name=op.f("fk_sessions_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_owned_by"), ["owned_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_studio_id"), ["studio_id"], unique=False)

    op.create_table(
        "streams",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("studio_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=22), nullable=False),
        sa.Column("owned_by", sa.String(length=256), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("redeemed_at", Moment(), nullable=True),
        sa.Column("active_at", Moment(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_since", Moment(), nullable=False),
        sa.Column("status_code", sa.String(length=64), nullable=False),
        sa.Column("status_message", sa.String(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_streams_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["studio_id"], ["studios.id"], name=op.f("fk_streams_studio_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_streams")),
    )
    with op.batch_alter_table("streams", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_streams_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_streams_lease_until"), ["lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_streams_session_id"), ["session_id"], unique=False)
