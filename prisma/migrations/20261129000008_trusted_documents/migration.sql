-- GraphQL documents that callers without the scope documents:any may send where TRUSTED_DOCUMENTS=required.

CREATE TABLE "trusted_documents" (
    "id" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "added_by" TEXT,

    CONSTRAINT "trusted_documents_pkey" PRIMARY KEY ("id")
);

-- An id stands for one text for ever, whoever writes the row.
ALTER TABLE trusted_documents
  ADD CONSTRAINT trusted_documents_id_is_hash CHECK (id = encode(sha256(convert_to(body, 'UTF8')), 'hex')),
  ADD CONSTRAINT trusted_documents_body_form CHECK (length(body) BETWEEN 1 AND 100000);

SELECT registry_protect_rows('trusted_documents');

COMMENT ON TABLE trusted_documents IS 'Registered GraphQL documents; written by tenant-registry documents add. Gateways read them all, at the latest after the staleness bound. Not part of the change log.';
COMMENT ON COLUMN trusted_documents.id IS 'SHA-256 of the text in UTF-8, as 64 hexadecimal digits in lower case; clients send it instead of the text.';
COMMENT ON COLUMN trusted_documents.body IS 'Text of the document, 1 to 100,000 characters.';
COMMENT ON COLUMN trusted_documents.added_at IS 'Time when the document was registered.';
COMMENT ON COLUMN trusted_documents.added_by IS 'Actor who registered the document, in the form of registry_change.actor; null if unknown.';
COMMENT ON CONSTRAINT trusted_documents_id_is_hash ON trusted_documents IS 'The id is the hash of the text, so it never stands for another text.';
COMMENT ON CONSTRAINT trusted_documents_body_form ON trusted_documents IS 'Longer documents are not registered.';
