-- What the tenant keeps where. Stock is never stored as a number that could be wrong: it follows from the movements.

CREATE TABLE item (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  sku varchar(60) NOT NULL UNIQUE CHECK (sku = btrim(sku) AND sku <> ''),
  name text NOT NULL CHECK (btrim(name) <> ''),
  unit varchar(20) NOT NULL DEFAULT 'piece',
  reorder_level numeric(14,3) CHECK (reorder_level >= 0),
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX item_name_idx ON item (lower(name));

CREATE TABLE location (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  code varchar(30) NOT NULL UNIQUE CHECK (code = btrim(code) AND code <> ''),
  name text NOT NULL CHECK (btrim(name) <> ''),
  kind varchar(10) NOT NULL DEFAULT 'warehouse' CHECK (kind IN ('warehouse', 'shelf', 'vehicle', 'site')),
  parent_id uuid REFERENCES location (id) CHECK (parent_id <> id),
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX location_parent_id_idx ON location (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE stock_movement (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  item_id uuid NOT NULL REFERENCES item (id),
  kind varchar(10) NOT NULL CHECK (kind IN ('receipt', 'issue', 'transfer', 'adjustment')),
  from_location_id uuid REFERENCES location (id),
  to_location_id uuid REFERENCES location (id),
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0),
  unit_cost numeric(14,2) CHECK (unit_cost >= 0),
  currency char(3) CHECK (currency ~ '^[A-Z]{3}$'),
  reference varchar(100),
  moved_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  -- A transfer is one row with two ends, so it can't lose or make anything.
  CHECK (CASE kind
    WHEN 'receipt' THEN from_location_id IS NULL AND to_location_id IS NOT NULL
    WHEN 'issue' THEN from_location_id IS NOT NULL AND to_location_id IS NULL
    WHEN 'transfer' THEN from_location_id IS NOT NULL AND to_location_id IS NOT NULL AND from_location_id <> to_location_id
    ELSE (from_location_id IS NULL) <> (to_location_id IS NULL)
  END),
  CHECK ((unit_cost IS NULL) = (currency IS NULL))
);
CREATE INDEX stock_movement_item_id_idx ON stock_movement (item_id, moved_at);
CREATE INDEX stock_movement_from_idx ON stock_movement (from_location_id, item_id) WHERE from_location_id IS NOT NULL;
CREATE INDEX stock_movement_to_idx ON stock_movement (to_location_id, item_id) WHERE to_location_id IS NOT NULL;

CREATE FUNCTION stock_movement_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on stock_movement is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege', HINT = 'Record the opposite movement instead.';
END
$$;
CREATE TRIGGER stock_movement_refuse_change BEFORE UPDATE OR DELETE ON stock_movement
  FOR EACH ROW EXECUTE FUNCTION stock_movement_refuse_change();
CREATE TRIGGER stock_movement_refuse_truncate BEFORE TRUNCATE ON stock_movement
  EXECUTE FUNCTION stock_movement_refuse_change();

CREATE VIEW stock_level WITH (security_invoker = true) AS
SELECT item_id, location_id, sum(quantity)::numeric(14,3) AS quantity, max(moved_at) AS last_moved_at
FROM (
  SELECT item_id, to_location_id AS location_id, quantity, moved_at FROM stock_movement WHERE to_location_id IS NOT NULL
  UNION ALL
  SELECT item_id, from_location_id, -quantity, moved_at FROM stock_movement WHERE from_location_id IS NOT NULL
) AS ends
GROUP BY item_id, location_id;

COMMENT ON TABLE item IS 'What can be in stock.';
COMMENT ON COLUMN item.id IS 'Identity of the item.';
COMMENT ON COLUMN item.sku IS 'Stock number for people and labels, once per tenant.';
COMMENT ON COLUMN item.name IS 'What it is.';
COMMENT ON COLUMN item.unit IS 'What quantities count: piece, kg, litre, ...';
COMMENT ON COLUMN item.reorder_level IS 'Below this quantity, over all locations, it is ordered again; null: never.';
COMMENT ON COLUMN item.archived_at IS 'Since when it is out of use; null: in use.';
COMMENT ON COLUMN item.created_at IS 'When it was entered.';

COMMENT ON TABLE location IS 'Where stock can be.';
COMMENT ON COLUMN location.id IS 'Identity of the location.';
COMMENT ON COLUMN location.code IS 'Code on labels, once per tenant.';
COMMENT ON COLUMN location.name IS 'What people call it.';
COMMENT ON COLUMN location.kind IS 'warehouse, shelf, vehicle or site (a lodge, a camp, an office).';
COMMENT ON COLUMN location.parent_id IS 'Location it is part of, such as the warehouse of a shelf; null: none.';
COMMENT ON COLUMN location.archived_at IS 'Since when it is out of use; null: in use.';
COMMENT ON COLUMN location.created_at IS 'When it was entered.';

COMMENT ON TABLE stock_movement IS 'Every arrival, departure and move, append-only; a mistake is set right by the opposite movement.';
COMMENT ON COLUMN stock_movement.id IS 'Identity of the movement; a service that may retry chooses it itself.';
COMMENT ON COLUMN stock_movement.item_id IS 'What moved.';
COMMENT ON COLUMN stock_movement.kind IS 'receipt (in from outside), issue (out), transfer (between two locations) or adjustment (found or lost at a count).';
COMMENT ON COLUMN stock_movement.from_location_id IS 'Where it left; null: it came from outside or was found.';
COMMENT ON COLUMN stock_movement.to_location_id IS 'Where it arrived; null: it went outside or was lost.';
COMMENT ON COLUMN stock_movement.quantity IS 'How much, in item.unit, always more than 0.';
COMMENT ON COLUMN stock_movement.unit_cost IS 'What one unit cost when it was received; null: unknown.';
COMMENT ON COLUMN stock_movement.currency IS 'ISO 4217 code of unit_cost.';
COMMENT ON COLUMN stock_movement.reference IS 'Document behind it, such as a delivery note or a booking number.';
COMMENT ON COLUMN stock_movement.moved_at IS 'When it happened.';
COMMENT ON COLUMN stock_movement.recorded_at IS 'When it was entered.';

COMMENT ON VIEW stock_level IS 'What is where now, summed from stock_movement; negative shows a movement that was not recorded.';
COMMENT ON COLUMN stock_level.item_id IS 'item.id.';
COMMENT ON COLUMN stock_level.location_id IS 'location.id; what lies in its parts is counted there, not here.';
COMMENT ON COLUMN stock_level.quantity IS 'How much, in item.unit; 0 when everything has left again.';
COMMENT ON COLUMN stock_level.last_moved_at IS 'When it last changed.';
COMMENT ON FUNCTION stock_movement_refuse_change IS 'Trigger: keeps stock_movement append-only.';
