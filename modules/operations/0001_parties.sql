-- Everybody the tenant deals with: customers, suppliers, agents, and the people who work or travel for them.

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
  CHECK (kind = 'person' OR (given_name IS NULL AND family_name IS NULL AND organisation_id IS NULL)),
  CHECK (organisation_id <> id)
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
  CHECK (kind <> 'email' OR value ~ '^[^@\s]+@[^@\s]+$')
);
CREATE UNIQUE INDEX party_contact_one_primary ON party_contact (party_id, kind) WHERE is_primary;
-- Who is it that writes or calls?
CREATE INDEX party_contact_value_idx ON party_contact (kind, lower(value)) WHERE kind <> 'address';

COMMENT ON TABLE party IS 'Organisations and persons the tenant deals with, each once, whatever its roles.';
COMMENT ON COLUMN party.id IS 'Identity; finance knows a customer by it (ar_customer.party_id).';
COMMENT ON COLUMN party.kind IS 'organisation or person.';
COMMENT ON COLUMN party.name IS 'Full name as shown; of an organisation its trading name.';
COMMENT ON COLUMN party.given_name IS 'Of a person, as in the passport.';
COMMENT ON COLUMN party.family_name IS 'Of a person, as in the passport.';
COMMENT ON COLUMN party.roles IS 'Any of customer, supplier, agent, traveller.';
COMMENT ON COLUMN party.organisation_id IS 'Of a person, the organisation it works for.';
COMMENT ON COLUMN party.tax_number IS 'VAT or tax number.';
COMMENT ON COLUMN party.language IS 'BCP 47 tag in which to write to them, such as en-ZA.';
COMMENT ON COLUMN party.country IS 'ISO 3166-1 alpha-2 code of residence or seat.';
COMMENT ON COLUMN party.notes IS 'For the tenant''s staff.';
COMMENT ON COLUMN party.archived_at IS 'Since when it is out of use; null: in use.';
COMMENT ON COLUMN party.created_at IS 'When it was entered.';
COMMENT ON COLUMN party.updated_at IS 'Last change, set by the service.';

COMMENT ON TABLE party_contact IS 'How a party is reached.';
COMMENT ON COLUMN party_contact.id IS 'Identity of the entry.';
COMMENT ON COLUMN party_contact.party_id IS 'Whom it reaches.';
COMMENT ON COLUMN party_contact.kind IS 'email, phone, whatsapp, address or website.';
COMMENT ON COLUMN party_contact.value IS 'Address or number; phone and whatsapp with country code, such as +27215550100.';
COMMENT ON COLUMN party_contact.label IS 'Which of several, such as accounts or emergency.';
COMMENT ON COLUMN party_contact.is_primary IS 'The one to use when nothing else is said; at most one per party and kind.';
COMMENT ON COLUMN party_contact.created_at IS 'When it was entered.';
