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

COMMENT ON TABLE ar_invoice_series IS 'Numbering of invoices, one row. The tenant may change prefix and digits; ar_issue_invoice moves next_number.';
COMMENT ON COLUMN ar_invoice_series.id IS 'Always true: there is one series.';
COMMENT ON COLUMN ar_invoice_series.prefix IS 'Text before the digits, such as INV- or 2026/.';
COMMENT ON COLUMN ar_invoice_series.digits IS 'Least number of digits, filled with zeros: 6 gives INV-000001.';
COMMENT ON COLUMN ar_invoice_series.next_number IS 'Number of the invoice that is issued next.';

COMMENT ON FUNCTION ar_issue_invoice IS 'Gives a draft the next number, sets it to issued and returns the number. Returns null and changes nothing when there is no such draft.';
