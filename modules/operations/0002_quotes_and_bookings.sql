-- Quotes and the bookings that follow from them. Quotes count against the tenant's max_monthly_quotes in the registry.

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
  CONSTRAINT quote_travel_order_check CHECK (travel_until >= travel_from),
  CONSTRAINT quote_travellers_check CHECK (adults + children > 0),
  CONSTRAINT quote_sent_at_check CHECK (status = 'draft' OR status = 'withdrawn' OR sent_at IS NOT NULL)
);
CREATE INDEX quote_customer_id_idx ON quote (customer_id, created_at);
CREATE INDEX quote_status_idx ON quote (status, valid_until);
-- The index has the expression of view monthly_quotes, so that the count of one month reads only that month.
CREATE INDEX quote_month_idx ON quote ((date_trunc('month', created_at AT TIME ZONE 'UTC')::date));

-- NaN is refused by name: PostgreSQL counts it as greater than every number.
CREATE TABLE quote_line (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  quote_id uuid NOT NULL REFERENCES quote (id) ON DELETE CASCADE,
  position integer NOT NULL CHECK (position >= 1),
  kind varchar(15) NOT NULL CHECK (kind IN ('accommodation', 'transport', 'flight', 'activity', 'fee', 'other')),
  description text NOT NULL CHECK (btrim(description) <> ''),
  supplier_id uuid REFERENCES party (id),
  quantity numeric(12,3) NOT NULL DEFAULT 1 CHECK (quantity > 0 AND quantity <> 'NaN'),
  unit_cost numeric(14,2) CHECK (unit_cost >= 0 AND unit_cost <> 'NaN'),
  unit_price numeric(14,2) NOT NULL CHECK (unit_price <> 'NaN'),
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
  CONSTRAINT booking_travel_order_check CHECK (ends_on >= starts_on),
  CONSTRAINT booking_cancelled_at_check CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL))
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

COMMENT ON TABLE quote IS 'Offers to a customer. Services withdraw a quote instead of deleting it: it counts in the month in which it was made.';
COMMENT ON COLUMN quote.id IS 'Identity of the quote.';
COMMENT ON COLUMN quote.number IS 'Number for people, one series per tenant; the series may have gaps.';
COMMENT ON COLUMN quote.customer_id IS 'Customer who asked for the quote.';
COMMENT ON COLUMN quote.consultant IS 'Consultant in charge, as consultants[].id in the tenant''s config; null: not assigned.';
COMMENT ON COLUMN quote.destination IS 'Destination, as destinations[].code in the tenant''s config; null: none or several.';
COMMENT ON COLUMN quote.status IS 'Status: draft, sent, accepted, declined or withdrawn. A sent quote past valid_until has expired.';
COMMENT ON COLUMN quote.travel_from IS 'First day of the journey; null: open.';
COMMENT ON COLUMN quote.travel_until IS 'Last day of the journey; null: open.';
COMMENT ON COLUMN quote.adults IS 'Number of travellers who pay as adults.';
COMMENT ON COLUMN quote.children IS 'Number of travellers who pay as children.';
COMMENT ON COLUMN quote.currency IS 'ISO 4217 code of all amounts of the quote, costs included.';
COMMENT ON COLUMN quote.valid_until IS 'Last day on which the customer can accept; null: no limit.';
COMMENT ON COLUMN quote.sent_at IS 'Time when the quote was first sent to the customer; null: not sent.';
COMMENT ON COLUMN quote.created_at IS 'Time when the quote was made. It decides the month in which the quote counts against the quota.';
COMMENT ON COLUMN quote.updated_at IS 'Time of the last change, set by the service.';

COMMENT ON TABLE quote_line IS 'Services and goods that a quote offers.';
COMMENT ON COLUMN quote_line.id IS 'Identity of the line.';
COMMENT ON COLUMN quote_line.quote_id IS 'Quote that the line belongs to.';
COMMENT ON COLUMN quote_line.position IS 'Place of the line on the quote, from 1.';
COMMENT ON COLUMN quote_line.kind IS 'Kind of line: accommodation, transport, flight, activity, fee or other.';
COMMENT ON COLUMN quote_line.description IS 'Text of the line, as the customer reads it.';
COMMENT ON COLUMN quote_line.supplier_id IS 'Supplier who delivers; null: the tenant itself, or not decided.';
COMMENT ON COLUMN quote_line.quantity IS 'Number of units, such as room nights.';
COMMENT ON COLUMN quote_line.unit_cost IS 'Cost of one unit to the tenant, not shown to the customer; null: unknown.';
COMMENT ON COLUMN quote_line.unit_price IS 'Price of one unit for the customer; negative for a discount.';
COMMENT ON COLUMN quote_line.amount IS 'Quantity times price, rounded to cents; computed.';

COMMENT ON TABLE booking IS 'Journeys that were agreed; module finance stores the id as ar_invoice.booking_id.';
COMMENT ON COLUMN booking.id IS 'Identity of the booking.';
COMMENT ON COLUMN booking.number IS 'Number for people, one series per tenant; the series may have gaps.';
COMMENT ON COLUMN booking.quote_id IS 'Accepted quote that led to the booking, at most one booking per quote; null: booked without a quote.';
COMMENT ON COLUMN booking.customer_id IS 'Customer who booked and pays.';
COMMENT ON COLUMN booking.status IS 'Status: provisional (held), confirmed, completed or cancelled.';
COMMENT ON COLUMN booking.starts_on IS 'First day of the journey.';
COMMENT ON COLUMN booking.ends_on IS 'Last day of the journey.';
COMMENT ON COLUMN booking.cancelled_at IS 'Time of the cancellation; not null exactly while status is cancelled.';
COMMENT ON COLUMN booking.created_at IS 'Time when the booking was made.';
COMMENT ON COLUMN booking.updated_at IS 'Time of the last change, set by the service.';

COMMENT ON TABLE booking_traveller IS 'Travellers of a booking.';
COMMENT ON COLUMN booking_traveller.booking_id IS 'Booking that the traveller belongs to.';
COMMENT ON COLUMN booking_traveller.party_id IS 'Person who travels.';
COMMENT ON COLUMN booking_traveller.is_lead IS 'Whether the person is the contact during the journey; at most one per booking.';

COMMENT ON VIEW monthly_quotes IS 'Number of quotes per month, to compare with max_monthly_quotes. Quotes of every status count.';
COMMENT ON COLUMN monthly_quotes.month IS 'First day of the calendar month in UTC.';
COMMENT ON COLUMN monthly_quotes.quotes IS 'Number of quotes made in the month; a month without quotes has no row.';
