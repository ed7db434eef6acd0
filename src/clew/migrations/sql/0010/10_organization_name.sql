-- An organization's administrators rename it in their own transaction, so that the act and its row in the trail are one.
-- The policy own_organization leaves them their own row, and slug and state stay what the directory alone may write.
GRANT UPDATE (name, updated_at) ON organizations TO clew_application;
