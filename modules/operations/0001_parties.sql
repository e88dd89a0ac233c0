-- Parties: the tenant's customers, suppliers and agents, and the persons who work or travel for them.

CREATE TABLE party (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind varchar(12) NOT NULL CHECK (kind IN ('organisation', 'person')),
  name text NOT NULL CHECK (btrim(name) <> ''),
  given_name text,
  family_name text,
  roles text[] NOT NULL DEFAULT '{}' CHECK (roles <@ ARRAY['customer', 'supplier', 'agent', 'traveller']),
  organisation_id uuid REFERENCES party (id),
  tax_number varchar(30),
  language varchar(10),
  country char(2) CHECK (country ~ '^[A-Z]{2}$'),
  notes text,
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT party_person_columns_check CHECK (kind = 'person' OR (given_name IS NULL AND family_name IS NULL AND organisation_id IS NULL)),
  CONSTRAINT party_other_organisation_check CHECK (organisation_id <> id)
);
CREATE INDEX party_name_idx ON party (lower(name));
CREATE INDEX party_roles_idx ON party USING gin (roles);
CREATE INDEX party_organisation_id_idx ON party (organisation_id) WHERE organisation_id IS NOT NULL;

CREATE TABLE party_contact (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  party_id uuid NOT NULL REFERENCES party (id) ON DELETE CASCADE,
  kind varchar(10) NOT NULL CHECK (kind IN ('email', 'phone', 'whatsapp', 'address', 'website')),
  value text NOT NULL CHECK (btrim(value) <> ''),
  label varchar(50),
  is_primary boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (party_id, kind, value),
  CONSTRAINT party_contact_email_check CHECK (kind <> 'email' OR value ~ '^[^@\s]+@[^@\s]+$')
);
CREATE UNIQUE INDEX party_contact_one_primary ON party_contact (party_id, kind) WHERE is_primary;
-- Finds the party of an incoming message or call.
CREATE INDEX party_contact_value_idx ON party_contact (kind, lower(value)) WHERE kind <> 'address';

COMMENT ON TABLE party IS 'Organisations and persons the tenant deals with, one row each, whatever their roles.';
COMMENT ON COLUMN party.id IS 'Identity of the party; module finance stores it as ar_customer.party_id.';
COMMENT ON COLUMN party.kind IS 'Kind of party: organisation or person.';
COMMENT ON COLUMN party.name IS 'Full name as shown; for an organisation its trading name.';
COMMENT ON COLUMN party.given_name IS 'Given name of a person, as in the passport; null for an organisation.';
COMMENT ON COLUMN party.family_name IS 'Family name of a person, as in the passport; null for an organisation.';
COMMENT ON COLUMN party.roles IS 'Any of customer, supplier, agent, traveller.';
COMMENT ON COLUMN party.organisation_id IS 'Organisation that a person works for; null: none.';
COMMENT ON COLUMN party.tax_number IS 'VAT or tax number.';
COMMENT ON COLUMN party.language IS 'BCP 47 tag of the language for letters to the party, such as en-ZA.';
COMMENT ON COLUMN party.country IS 'ISO 3166-1 alpha-2 code of the country of residence or seat.';
COMMENT ON COLUMN party.notes IS 'Notes for the tenant''s staff.';
COMMENT ON COLUMN party.archived_at IS 'Time when the party was taken out of use; null: in use.';
COMMENT ON COLUMN party.created_at IS 'Time when the party was entered.';
COMMENT ON COLUMN party.updated_at IS 'Time of the last change, set by the service.';

COMMENT ON TABLE party_contact IS 'Addresses and numbers of a party.';
COMMENT ON COLUMN party_contact.id IS 'Identity of the contact.';
COMMENT ON COLUMN party_contact.party_id IS 'Party that the contact belongs to.';
COMMENT ON COLUMN party_contact.kind IS 'Kind of contact: email, phone, whatsapp, address or website.';
COMMENT ON COLUMN party_contact.value IS 'Address or number; phone and whatsapp with country code, such as +27215550100.';
COMMENT ON COLUMN party_contact.label IS 'Purpose of the contact among several, such as accounts or emergency.';
COMMENT ON COLUMN party_contact.is_primary IS 'Whether the contact is the default of its kind; at most one per party and kind.';
COMMENT ON COLUMN party_contact.created_at IS 'Time when the contact was entered.';
