-- The invitations of a member are listed, withdrawn and deleted without reading those of all members.
CREATE INDEX "invitations_member_id_created_at_idx" ON "invitations"("member_id", "created_at");
