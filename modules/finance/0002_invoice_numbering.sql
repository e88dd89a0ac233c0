-- Invoice numbers without gaps, one series per tenant. A sequence would leave a gap at every rollback, which tax law in
-- many countries does not allow; the row of the series is locked until commit instead.

CREATE TABLE ar_invoice_series (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  prefix varchar(20) NOT NULL DEFAULT 'INV-',
  digits integer NOT NULL DEFAULT 6 CHECK (digits BETWEEN 1 AND 12),
  next_number bigint NOT NULL DEFAULT 1 CHECK (next_number >= 1)
);
INSERT INTO ar_invoice_series DEFAULT VALUES;

-- BEGIN ATOMIC binds the tables at creation: the function uses this tenant's series under every search_path.
-- The first statement locks the draft, so that the second sees whether another transaction has issued it meanwhile.
CREATE FUNCTION ar_issue_invoice(invoice uuid, issue_date date) RETURNS text
LANGUAGE sql
BEGIN ATOMIC
  SELECT id FROM ar_invoice WHERE id = invoice FOR UPDATE;
  WITH taken AS (
    UPDATE ar_invoice_series SET next_number = next_number + 1
    WHERE EXISTS (SELECT FROM ar_invoice WHERE id = invoice AND status = 'draft')
    RETURNING prefix, digits, next_number - 1 AS number
  )
  UPDATE ar_invoice
  SET status = 'issued', issued_on = issue_date,
      due_on = coalesce(ar_invoice.due_on, issue_date + ar_customer.payment_days),
      number = taken.prefix || lpad(taken.number::text, greatest(taken.digits, length(taken.number::text)), '0')
  FROM taken, ar_customer
  WHERE ar_invoice.id = invoice AND ar_customer.id = ar_invoice.customer_id
  RETURNING ar_invoice.number;
END;

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

COMMENT ON TABLE ar_invoice_series IS 'Numbering of invoices, one row. The tenant may change prefix and digits; ar_issue_invoice moves next_number.';
COMMENT ON COLUMN ar_invoice_series.id IS 'Always true: there is one series.';
COMMENT ON COLUMN ar_invoice_series.prefix IS 'Text before the digits, such as INV- or 2026/.';
COMMENT ON COLUMN ar_invoice_series.digits IS 'Least number of digits, filled with zeros: 6 gives INV-000001.';
COMMENT ON COLUMN ar_invoice_series.next_number IS 'Number of the invoice that is issued next.';

COMMENT ON FUNCTION ar_issue_invoice IS 'Gives a draft the next number, sets it to issued and returns the number. Returns null and changes nothing when there is no such draft.';
COMMENT ON FUNCTION ar_invoice_is_draft IS 'Whether an invoice is a draft; null: no such invoice. Keeps it from being issued until the transaction ends.';
COMMENT ON FUNCTION ar_invoice_refuse_change IS 'Trigger function: refuses changes of issued invoices.';
COMMENT ON TRIGGER ar_invoice_keep_issued ON ar_invoice IS 'Keeps number, customer, currency, date and status of a numbered invoice; only its status may become void.';
COMMENT ON TRIGGER ar_invoice_keep_number ON ar_invoice IS 'Keeps a numbered invoice from being deleted, which would leave a gap in the series.';
COMMENT ON TRIGGER ar_invoice_refuse_truncate ON ar_invoice IS 'Keeps TRUNCATE from removing issued invoices.';
COMMENT ON TRIGGER ar_invoice_line_refuse_arrival ON ar_invoice_line IS 'Keeps lines from being added, moved or changed into an invoice that is no draft.';
COMMENT ON TRIGGER ar_invoice_line_refuse_departure ON ar_invoice_line IS 'Keeps lines of an invoice that is no draft from being changed, moved or deleted.';
COMMENT ON TRIGGER ar_invoice_line_refuse_truncate ON ar_invoice_line IS 'Keeps TRUNCATE from removing lines of issued invoices.';
