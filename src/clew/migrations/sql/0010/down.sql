REVOKE UPDATE (name, updated_at) ON organizations FROM clew_application;
