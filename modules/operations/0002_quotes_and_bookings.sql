-- From a customer's wish to a confirmed journey. Quotes count against the tenant's max_monthly_quotes in the registry.

CREATE TABLE quote (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
  customer_id uuid NOT NULL REFERENCES party (id),
  consultant varchar(100),
  destination varchar(50),
  status varchar(10) NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'sent', 'accepted', 'declined', 'withdrawn')),
  travel_from date,
  travel_until date,
  adults integer NOT NULL DEFAULT 1 CHECK (adults >= 0),
  children integer NOT NULL DEFAULT 0 CHECK (children >= 0),
  currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  valid_until date,
  sent_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (travel_until >= travel_from),
  CHECK (adults + children > 0),
  CHECK (status = 'draft' OR status = 'withdrawn' OR sent_at IS NOT NULL)
);
CREATE INDEX quote_customer_id_idx ON quote (customer_id, created_at);
CREATE INDEX quote_status_idx ON quote (status, valid_until);
-- The same expression as in the view below, so that counting one month reads one month.
CREATE INDEX quote_month_idx ON quote ((date_trunc('month', created_at AT TIME ZONE 'UTC')::date));

CREATE TABLE quote_line (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  quote_id uuid NOT NULL REFERENCES quote (id) ON DELETE CASCADE,
  position integer NOT NULL CHECK (position >= 1),
  kind varchar(15) NOT NULL CHECK (kind IN ('accommodation', 'transport', 'flight', 'activity', 'fee', 'other')),
  description text NOT NULL CHECK (btrim(description) <> ''),
  supplier_id uuid REFERENCES party (id),
  quantity numeric(12,3) NOT NULL DEFAULT 1 CHECK (quantity > 0),
  unit_cost numeric(14,2) CHECK (unit_cost >= 0),
  unit_price numeric(14,2) NOT NULL,
  amount numeric(14,2) NOT NULL GENERATED ALWAYS AS (round(quantity * unit_price, 2)) STORED,
  UNIQUE (quote_id, position)
);
CREATE INDEX quote_line_supplier_id_idx ON quote_line (supplier_id) WHERE supplier_id IS NOT NULL;

CREATE TABLE booking (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  number bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
  quote_id uuid UNIQUE REFERENCES quote (id),
  customer_id uuid NOT NULL REFERENCES party (id),
  status varchar(12) NOT NULL DEFAULT 'provisional' CHECK (status IN ('provisional', 'confirmed', 'completed', 'cancelled')),
  starts_on date NOT NULL,
  ends_on date NOT NULL,
  cancelled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (ends_on >= starts_on),
  CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
);
CREATE INDEX booking_customer_id_idx ON booking (customer_id, starts_on);
CREATE INDEX booking_starts_on_idx ON booking (starts_on) WHERE status IN ('provisional', 'confirmed');

CREATE TABLE booking_traveller (
  booking_id uuid NOT NULL REFERENCES booking (id) ON DELETE CASCADE,
  party_id uuid NOT NULL REFERENCES party (id),
  is_lead boolean NOT NULL DEFAULT false,
  PRIMARY KEY (booking_id, party_id)
);
CREATE UNIQUE INDEX booking_traveller_one_lead ON booking_traveller (booking_id) WHERE is_lead;
CREATE INDEX booking_traveller_party_id_idx ON booking_traveller (party_id);

CREATE VIEW monthly_quotes WITH (security_invoker = true) AS
SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date AS month, count(*) AS quotes FROM quote GROUP BY 1;

COMMENT ON TABLE quote IS 'Offers to a customer. Withdraw a quote instead of deleting it: it counts in the month it was made.';
COMMENT ON COLUMN quote.id IS 'Identity of the quote.';
COMMENT ON COLUMN quote.number IS 'Number for people, one series per tenant, may have gaps.';
COMMENT ON COLUMN quote.customer_id IS 'Who asked for it.';
COMMENT ON COLUMN quote.consultant IS 'consultants[].id in the tenant''s config who looks after it; null: nobody yet.';
COMMENT ON COLUMN quote.destination IS 'destinations[].code in the tenant''s config; null: none or several.';
COMMENT ON COLUMN quote.status IS 'draft, sent, accepted, declined or withdrawn; a sent quote past valid_until has expired.';
COMMENT ON COLUMN quote.travel_from IS 'First day of the journey; null: open.';
COMMENT ON COLUMN quote.travel_until IS 'Last day of the journey; null: open.';
COMMENT ON COLUMN quote.adults IS 'Travellers who pay as adults.';
COMMENT ON COLUMN quote.children IS 'Travellers who pay as children.';
COMMENT ON COLUMN quote.currency IS 'ISO 4217 code of all its lines, costs included.';
COMMENT ON COLUMN quote.valid_until IS 'Last day on which the customer can accept; null: no limit.';
COMMENT ON COLUMN quote.sent_at IS 'When the customer first got it; null: not yet.';
COMMENT ON COLUMN quote.created_at IS 'Decides the month in which it counts against the quota.';
COMMENT ON COLUMN quote.updated_at IS 'Last change, set by the service.';

COMMENT ON TABLE quote_line IS 'What a quote offers.';
COMMENT ON COLUMN quote_line.id IS 'Identity of the line.';
COMMENT ON COLUMN quote_line.quote_id IS 'Quote it stands on.';
COMMENT ON COLUMN quote_line.position IS 'Order on the quote, from 1.';
COMMENT ON COLUMN quote_line.kind IS 'accommodation, transport, flight, activity, fee or other.';
COMMENT ON COLUMN quote_line.description IS 'What is offered, as the customer reads it.';
COMMENT ON COLUMN quote_line.supplier_id IS 'Who delivers it; null: the tenant itself, or open.';
COMMENT ON COLUMN quote_line.quantity IS 'How many units, such as room nights.';
COMMENT ON COLUMN quote_line.unit_cost IS 'What one unit costs the tenant, not shown to the customer; null: unknown.';
COMMENT ON COLUMN quote_line.unit_price IS 'What one unit costs the customer; negative for a discount.';
COMMENT ON COLUMN quote_line.amount IS 'Quantity times price, rounded to cents; computed.';

COMMENT ON TABLE booking IS 'Journeys that were agreed; invoices refer to them (ar_invoice.booking_id in module finance).';
COMMENT ON COLUMN booking.id IS 'Identity of the booking.';
COMMENT ON COLUMN booking.number IS 'Number for people, one series per tenant, may have gaps.';
COMMENT ON COLUMN booking.quote_id IS 'Accepted quote it came from, at most one booking each; null: booked without one.';
COMMENT ON COLUMN booking.customer_id IS 'Who booked and pays.';
COMMENT ON COLUMN booking.status IS 'provisional (held), confirmed, completed or cancelled.';
COMMENT ON COLUMN booking.starts_on IS 'First day of the journey.';
COMMENT ON COLUMN booking.ends_on IS 'Last day of the journey.';
COMMENT ON COLUMN booking.cancelled_at IS 'When it was cancelled; set exactly when status is cancelled.';
COMMENT ON COLUMN booking.created_at IS 'When it was made.';
COMMENT ON COLUMN booking.updated_at IS 'Last change, set by the service.';

COMMENT ON TABLE booking_traveller IS 'Who travels on a booking.';
COMMENT ON COLUMN booking_traveller.booking_id IS 'Booking travelled on.';
COMMENT ON COLUMN booking_traveller.party_id IS 'Person who travels.';
COMMENT ON COLUMN booking_traveller.is_lead IS 'The one to speak to on the way; at most one per booking.';

COMMENT ON VIEW monthly_quotes IS 'Quotes per month, to hold against max_monthly_quotes; all of them count, whatever their status.';
COMMENT ON COLUMN monthly_quotes.month IS 'First day of the calendar month, UTC.';
COMMENT ON COLUMN monthly_quotes.quotes IS 'How many were made in it; a month without any has no row.';
