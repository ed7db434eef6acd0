"""Scans and tool runs."""

from typing import Final

from clew.kernel.schema import (
    belongs_to,
    index,
    json_object,
    moment,
    number,
    one_of,
    reference,
    required,
    tenant_table,
    text,
)
from clew.records.tables.items import RUN_STATES

osint_scans: Final = tenant_table(
    "osint_scans",
    reference("investigation_id", optional=True),
    reference("target_id", optional=True),
    required("tool"),
    text("tool_version"),
    json_object("parameters"),
    required("status", "pending"),
    moment("started_at"),
    moment("completed_at"),
    number("item_count", 0),
    text("error_message"),
    one_of("status", RUN_STATES),
    belongs_to("investigation_id", "investigations"),
    belongs_to("target_id", "targets", on_delete="SET NULL"),
    index("investigation_id"),
)

# analysis_session_id has no foreign key: analysis_sessions is partitioned.
tool_execution_logs: Final = tenant_table(
    "tool_execution_logs",
    reference("analysis_session_id", optional=True),
    required("tool_name"),
    required("execution_status"),
    moment("started_at"),
    moment("completed_at"),
    json_object("input_parameters"),
    json_object("output_results"),
    json_object("error_details", empty=False),
    index("analysis_session_id"),
    changing=False,
)
