-- Accounts receivable: customers, invoices, payments. Amounts are numeric(14,2) in the currency of their row; nothing is
-- converted here. NaN is refused by name: PostgreSQL counts it as greater than every number, and one NaN would spoil a sum.

CREATE TABLE ar_customer (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  party_id uuid UNIQUE,
  name text NOT NULL CHECK (btrim(name) <> ''),
  email text CHECK (email ~ '^[^@\s]+@[^@\s]+$'),
  billing_address text,
  tax_number varchar(30),
  currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  payment_days integer NOT NULL DEFAULT 30 CHECK (payment_days BETWEEN 0 AND 365),
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ar_customer_name_idx ON ar_customer (lower(name));

CREATE TABLE ar_invoice (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid NOT NULL REFERENCES ar_customer (id),
  booking_id uuid,
  number varchar(40) UNIQUE,
  status varchar(10) NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'issued', 'void')),
  currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  issued_on date,
  due_on date,
  notes text,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Referenced by allocations: a payment settles only invoices of its own customer in its own currency.
  UNIQUE (id, customer_id, currency),
  CONSTRAINT ar_invoice_issued_check CHECK (status <> 'issued' OR (number IS NOT NULL AND issued_on IS NOT NULL AND due_on IS NOT NULL)),
  CONSTRAINT ar_invoice_draft_number_check CHECK (status <> 'draft' OR number IS NULL),
  CONSTRAINT ar_invoice_due_on_check CHECK (due_on >= issued_on)
);
CREATE INDEX ar_invoice_customer_id_idx ON ar_invoice (customer_id, issued_on);
CREATE INDEX ar_invoice_booking_id_idx ON ar_invoice (booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX ar_invoice_due_on_idx ON ar_invoice (due_on) WHERE status = 'issued';

CREATE TABLE ar_invoice_line (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  invoice_id uuid NOT NULL REFERENCES ar_invoice (id) ON DELETE CASCADE,
  position integer NOT NULL CHECK (position >= 1),
  description text NOT NULL CHECK (btrim(description) <> ''),
  quantity numeric(12,3) NOT NULL DEFAULT 1 CHECK (quantity <> 0 AND quantity <> 'NaN'),
  unit_price numeric(14,2) NOT NULL CHECK (unit_price <> 'NaN'),
  tax_percent numeric(5,2) NOT NULL DEFAULT 0 CHECK (tax_percent BETWEEN 0 AND 100),
  net_amount numeric(14,2) NOT NULL GENERATED ALWAYS AS (round(quantity * unit_price, 2)) STORED,
  tax_amount numeric(14,2) NOT NULL GENERATED ALWAYS AS (round(round(quantity * unit_price, 2) * tax_percent / 100, 2)) STORED,
  UNIQUE (invoice_id, position)
);

CREATE TABLE ar_payment (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid NOT NULL REFERENCES ar_customer (id),
  received_on date NOT NULL,
  method varchar(20) NOT NULL CHECK (method IN ('bank_transfer', 'card', 'cash', 'direct_debit', 'other')),
  reference varchar(100),
  amount numeric(14,2) NOT NULL CHECK (amount > 0 AND amount <> 'NaN'),
  currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (id, customer_id, currency)
);
CREATE INDEX ar_payment_customer_id_idx ON ar_payment (customer_id, received_on);
CREATE INDEX ar_payment_reference_idx ON ar_payment (reference) WHERE reference IS NOT NULL;

CREATE TABLE ar_payment_allocation (
  payment_id uuid NOT NULL,
  invoice_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  currency char(3) NOT NULL,
  amount numeric(14,2) NOT NULL CHECK (amount > 0 AND amount <> 'NaN'),
  allocated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (payment_id, invoice_id),
  FOREIGN KEY (payment_id, customer_id, currency) REFERENCES ar_payment (id, customer_id, currency) ON DELETE CASCADE,
  FOREIGN KEY (invoice_id, customer_id, currency) REFERENCES ar_invoice (id, customer_id, currency)
);
CREATE INDEX ar_payment_allocation_invoice_id_idx ON ar_payment_allocation (invoice_id);

-- The lock lets a new line and the issue of its invoice wait for each other; the one that comes second sees the first.
CREATE FUNCTION ar_invoice_is_draft(invoice uuid) RETURNS boolean
LANGUAGE sql
BEGIN ATOMIC
  SELECT status = 'draft' FROM ar_invoice WHERE id = invoice FOR KEY SHARE;
END;

CREATE FUNCTION ar_invoice_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  -- Both are null when the trigger fires for a statement.
  changed jsonb := coalesce(to_jsonb(OLD), to_jsonb(NEW));
BEGIN
  RAISE EXCEPTION '% on % is refused: %', TG_OP, TG_TABLE_NAME,
    coalesce('invoice ' || coalesce(changed ->> 'number', changed ->> 'invoice_id') || ' is no draft', 'issued invoices are kept')
    USING ERRCODE = 'insufficient_privilege', HINT = 'Set the status of the invoice to void and issue a new one.';
END
$$;

-- A number, once given, stays with its invoice. Status void, due date, notes and booking may still be set.
CREATE TRIGGER ar_invoice_keep_issued BEFORE UPDATE ON ar_invoice FOR EACH ROW
  WHEN (OLD.number IS NOT NULL AND (NEW.status NOT IN (OLD.status, 'void')
    OR (OLD.id, OLD.number, OLD.customer_id, OLD.currency, OLD.issued_on)
      IS DISTINCT FROM (NEW.id, NEW.number, NEW.customer_id, NEW.currency, NEW.issued_on)))
  EXECUTE FUNCTION ar_invoice_refuse_change();
CREATE TRIGGER ar_invoice_keep_number BEFORE DELETE ON ar_invoice FOR EACH ROW
  WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION ar_invoice_refuse_change();
CREATE TRIGGER ar_invoice_refuse_truncate BEFORE TRUNCATE ON ar_invoice
  EXECUTE FUNCTION ar_invoice_refuse_change();
-- The function answers null for an invoice that is being deleted with its lines, and the trigger does not fire.
CREATE TRIGGER ar_invoice_line_refuse_arrival BEFORE INSERT OR UPDATE ON ar_invoice_line FOR EACH ROW
  WHEN (NOT ar_invoice_is_draft(NEW.invoice_id)) EXECUTE FUNCTION ar_invoice_refuse_change();
CREATE TRIGGER ar_invoice_line_refuse_departure BEFORE UPDATE OR DELETE ON ar_invoice_line FOR EACH ROW
  WHEN (NOT ar_invoice_is_draft(OLD.invoice_id)) EXECUTE FUNCTION ar_invoice_refuse_change();
CREATE TRIGGER ar_invoice_line_refuse_truncate BEFORE TRUNCATE ON ar_invoice_line
  EXECUTE FUNCTION ar_invoice_refuse_change();

-- The lock makes allocations of one payment wait for each other, so that each of them sees the sum of all.
CREATE FUNCTION ar_payment_is_overspent(payment uuid) RETURNS boolean
LANGUAGE sql
BEGIN ATOMIC
  SELECT id FROM ar_payment WHERE id = payment FOR NO KEY UPDATE;
  SELECT sum(allocation.amount) > (SELECT amount FROM ar_payment WHERE id = payment)
  FROM ar_payment_allocation AS allocation WHERE payment_id = payment;
END;

CREATE FUNCTION ar_payment_refuse_overspending() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Payment % is smaller than the sum of its allocations',
    coalesce(to_jsonb(NEW) ->> 'payment_id', to_jsonb(NEW) ->> 'id')
    USING ERRCODE = 'check_violation', HINT = 'Allocate at most the amount of the payment.';
END
$$;
CREATE TRIGGER ar_payment_keep_allocated AFTER UPDATE OF amount ON ar_payment
  FOR EACH ROW WHEN (ar_payment_is_overspent(NEW.id)) EXECUTE FUNCTION ar_payment_refuse_overspending();
CREATE TRIGGER ar_payment_allocation_fit_payment AFTER INSERT OR UPDATE ON ar_payment_allocation
  FOR EACH ROW WHEN (ar_payment_is_overspent(NEW.payment_id)) EXECUTE FUNCTION ar_payment_refuse_overspending();

CREATE VIEW ar_invoice_balance WITH (security_invoker = true) AS
SELECT invoice.id AS invoice_id, invoice.number, invoice.customer_id, invoice.currency, invoice.issued_on, invoice.due_on,
       lines.total::numeric(20,2) AS total, paid.total::numeric(20,2) AS paid, (lines.total - paid.total)::numeric(20,2) AS open
FROM ar_invoice AS invoice
CROSS JOIN LATERAL (
  SELECT coalesce(sum(line.net_amount + line.tax_amount), 0) AS total FROM ar_invoice_line AS line WHERE line.invoice_id = invoice.id
) AS lines
CROSS JOIN LATERAL (
  SELECT coalesce(sum(allocation.amount), 0) AS total FROM ar_payment_allocation AS allocation WHERE allocation.invoice_id = invoice.id
) AS paid
WHERE invoice.status = 'issued';

COMMENT ON TABLE ar_customer IS 'Customers that the tenant invoices.';
COMMENT ON COLUMN ar_customer.id IS 'Identity of the customer within finance.';
COMMENT ON COLUMN ar_customer.party_id IS 'Same customer in module operations (party.id), in another database; null: known to finance alone.';
COMMENT ON COLUMN ar_customer.name IS 'Name as printed on invoices.';
COMMENT ON COLUMN ar_customer.email IS 'E-mail address for invoices and reminders.';
COMMENT ON COLUMN ar_customer.billing_address IS 'Address block of the invoice, lines as printed.';
COMMENT ON COLUMN ar_customer.tax_number IS 'VAT or tax number as it must appear on invoices.';
COMMENT ON COLUMN ar_customer.currency IS 'ISO 4217 code that new invoices start with.';
COMMENT ON COLUMN ar_customer.payment_days IS 'Days from issue to due date of new invoices, 0 to 365.';
COMMENT ON COLUMN ar_customer.archived_at IS 'Time when the customer was archived; it gets no new invoices. Null: in use.';
COMMENT ON COLUMN ar_customer.created_at IS 'Time when the customer was entered.';

COMMENT ON TABLE ar_invoice IS 'Invoices. The paid amount follows from ar_payment_allocation, see ar_invoice_balance.';
COMMENT ON COLUMN ar_invoice.id IS 'Identity of the invoice, also while it is a draft.';
COMMENT ON COLUMN ar_invoice.customer_id IS 'Customer who owes the invoice.';
COMMENT ON COLUMN ar_invoice.booking_id IS 'Booking in module operations (booking.id), in another database; null: not for a booking.';
COMMENT ON COLUMN ar_invoice.number IS 'Number printed on the invoice; null while it is a draft, kept for ever when void.';
COMMENT ON COLUMN ar_invoice.status IS 'Status: draft (may change), issued (is owed) or void (withdrawn).';
COMMENT ON COLUMN ar_invoice.currency IS 'ISO 4217 code of all lines.';
COMMENT ON COLUMN ar_invoice.issued_on IS 'Date printed on the invoice, in the tenant''s time zone.';
COMMENT ON COLUMN ar_invoice.due_on IS 'Last day to pay without being overdue.';
COMMENT ON COLUMN ar_invoice.notes IS 'Text for the customer below the lines.';
COMMENT ON COLUMN ar_invoice.created_at IS 'Time when the draft was created.';

COMMENT ON TABLE ar_invoice_line IS 'Lines of an invoice.';
COMMENT ON COLUMN ar_invoice_line.id IS 'Identity of the line.';
COMMENT ON COLUMN ar_invoice_line.invoice_id IS 'Invoice that the line belongs to.';
COMMENT ON COLUMN ar_invoice_line.position IS 'Place of the line on the invoice, from 1.';
COMMENT ON COLUMN ar_invoice_line.description IS 'Text of the line, as printed.';
COMMENT ON COLUMN ar_invoice_line.quantity IS 'Number of units; negative for a deduction.';
COMMENT ON COLUMN ar_invoice_line.unit_price IS 'Price of one unit without tax, in the invoice''s currency.';
COMMENT ON COLUMN ar_invoice_line.tax_percent IS 'Tax rate in percent: 15.00 is 15 %.';
COMMENT ON COLUMN ar_invoice_line.net_amount IS 'Quantity times price, rounded to cents; computed.';
COMMENT ON COLUMN ar_invoice_line.tax_amount IS 'Tax on net_amount, rounded to cents per line; computed.';

COMMENT ON TABLE ar_payment IS 'Money received from customers.';
COMMENT ON COLUMN ar_payment.id IS 'Identity of the payment.';
COMMENT ON COLUMN ar_payment.customer_id IS 'Customer who paid.';
COMMENT ON COLUMN ar_payment.received_on IS 'Value date on the tenant''s account.';
COMMENT ON COLUMN ar_payment.method IS 'Method of payment: bank_transfer, card, cash, direct_debit or other.';
COMMENT ON COLUMN ar_payment.reference IS 'Reference given by the payer or the bank.';
COMMENT ON COLUMN ar_payment.amount IS 'Amount received, more than 0 and never less than the sum of its allocations.';
COMMENT ON COLUMN ar_payment.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN ar_payment.created_at IS 'Time when the payment was entered.';

COMMENT ON TABLE ar_payment_allocation IS 'Parts of a payment, each settling one invoice of the same customer in the same currency.';
COMMENT ON COLUMN ar_payment_allocation.payment_id IS 'Payment that is spent.';
COMMENT ON COLUMN ar_payment_allocation.invoice_id IS 'Invoice that is settled.';
COMMENT ON COLUMN ar_payment_allocation.customer_id IS 'Customer of the payment and the invoice; the foreign keys keep all three equal.';
COMMENT ON COLUMN ar_payment_allocation.currency IS 'Currency of the payment and the invoice; the foreign keys keep all three equal.';
COMMENT ON COLUMN ar_payment_allocation.amount IS 'Part of the payment, more than 0; all parts together are at most the payment.';
COMMENT ON COLUMN ar_payment_allocation.allocated_at IS 'Time of the allocation.';

COMMENT ON FUNCTION ar_invoice_is_draft IS 'Whether an invoice is a draft; null: no such invoice. Keeps it from being issued until the transaction ends.';
COMMENT ON FUNCTION ar_invoice_refuse_change IS 'Trigger function: refuses changes of issued invoices.';
COMMENT ON TRIGGER ar_invoice_keep_issued ON ar_invoice IS 'Keeps number, customer, currency, date and status of a numbered invoice; only its status may become void.';
COMMENT ON TRIGGER ar_invoice_keep_number ON ar_invoice IS 'Keeps a numbered invoice from being deleted, which would leave a gap in the series.';
COMMENT ON TRIGGER ar_invoice_refuse_truncate ON ar_invoice IS 'Keeps TRUNCATE from removing issued invoices.';
COMMENT ON TRIGGER ar_invoice_line_refuse_arrival ON ar_invoice_line IS 'Keeps lines from being added, moved or changed into an invoice that is no draft.';
COMMENT ON TRIGGER ar_invoice_line_refuse_departure ON ar_invoice_line IS 'Keeps lines of an invoice that is no draft from being changed, moved or deleted.';
COMMENT ON TRIGGER ar_invoice_line_refuse_truncate ON ar_invoice_line IS 'Keeps TRUNCATE from removing lines of issued invoices.';

COMMENT ON FUNCTION ar_payment_is_overspent IS 'Whether the allocations of a payment exceed its amount; locks the payment until the transaction ends.';
COMMENT ON FUNCTION ar_payment_refuse_overspending IS 'Trigger function: refuses allocations beyond the amount of their payment.';
COMMENT ON TRIGGER ar_payment_keep_allocated ON ar_payment IS 'Keeps the amount at or above the sum of the allocations.';
COMMENT ON TRIGGER ar_payment_allocation_fit_payment ON ar_payment_allocation IS 'Keeps the sum of the allocations within the payment.';

COMMENT ON VIEW ar_invoice_balance IS 'Issued invoices with total, paid and open amount.';
COMMENT ON COLUMN ar_invoice_balance.invoice_id IS 'Invoice, ar_invoice.id.';
COMMENT ON COLUMN ar_invoice_balance.number IS 'Number printed on the invoice.';
COMMENT ON COLUMN ar_invoice_balance.customer_id IS 'Customer who owes the invoice.';
COMMENT ON COLUMN ar_invoice_balance.currency IS 'ISO 4217 code of the three amounts.';
COMMENT ON COLUMN ar_invoice_balance.issued_on IS 'Date printed on the invoice.';
COMMENT ON COLUMN ar_invoice_balance.due_on IS 'Last day to pay; the invoice is overdue when it is past and open is more than 0.';
COMMENT ON COLUMN ar_invoice_balance.total IS 'Sum of the lines with tax.';
COMMENT ON COLUMN ar_invoice_balance.paid IS 'Sum of the allocations.';
COMMENT ON COLUMN ar_invoice_balance.open IS 'Total minus paid; negative when too much was allocated.';
