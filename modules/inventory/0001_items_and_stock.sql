-- Items, locations and stock. Stock is not stored: it is the sum of the movements, so it cannot contradict them.
-- NaN is refused by name: PostgreSQL counts it as greater than every number, and one NaN would spoil the sum.

CREATE TABLE item (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  sku varchar(60) NOT NULL UNIQUE CHECK (sku = btrim(sku) AND sku <> ''),
  name text NOT NULL CHECK (btrim(name) <> ''),
  unit varchar(20) NOT NULL DEFAULT 'piece',
  reorder_level numeric(14,3) CHECK (reorder_level >= 0 AND reorder_level <> 'NaN'),
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX item_name_idx ON item (lower(name));

CREATE TABLE location (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  code varchar(30) NOT NULL UNIQUE CHECK (code = btrim(code) AND code <> ''),
  name text NOT NULL CHECK (btrim(name) <> ''),
  kind varchar(10) NOT NULL DEFAULT 'warehouse' CHECK (kind IN ('warehouse', 'shelf', 'vehicle', 'site')),
  parent_id uuid REFERENCES location (id) CONSTRAINT location_other_parent_check CHECK (parent_id <> id),
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
  quantity numeric(14,3) NOT NULL CHECK (quantity > 0 AND quantity <> 'NaN'),
  unit_cost numeric(14,2) CHECK (unit_cost >= 0 AND unit_cost <> 'NaN'),
  currency char(3) CHECK (currency ~ '^[A-Z]{3}$'),
  reference varchar(100),
  moved_at timestamptz NOT NULL DEFAULT now(),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  -- A transfer is one row with two ends, so that it changes no total.
  CONSTRAINT stock_movement_ends_check CHECK (CASE kind
    WHEN 'receipt' THEN from_location_id IS NULL AND to_location_id IS NOT NULL
    WHEN 'issue' THEN from_location_id IS NOT NULL AND to_location_id IS NULL
    WHEN 'transfer' THEN from_location_id IS NOT NULL AND to_location_id IS NOT NULL AND from_location_id <> to_location_id
    ELSE (from_location_id IS NULL) <> (to_location_id IS NULL)
  END),
  CONSTRAINT stock_movement_cost_check CHECK ((unit_cost IS NULL) = (currency IS NULL))
);
CREATE INDEX stock_movement_item_id_idx ON stock_movement (item_id, moved_at);
CREATE INDEX stock_movement_from_idx ON stock_movement (from_location_id, item_id) WHERE from_location_id IS NOT NULL;
CREATE INDEX stock_movement_to_idx ON stock_movement (to_location_id, item_id) WHERE to_location_id IS NOT NULL;

CREATE FUNCTION stock_movement_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  -- OLD is null when the trigger fires for a statement.
  RAISE EXCEPTION '% of % is refused: recorded movements do not change', TG_OP,
    coalesce('stock movement ' || (to_jsonb(OLD) ->> 'id'), 'stock_movement')
    USING ERRCODE = 'insufficient_privilege', HINT = 'Record the opposite movement instead.';
END
$$;
CREATE TRIGGER stock_movement_refuse_change BEFORE UPDATE OR DELETE ON stock_movement
  FOR EACH ROW EXECUTE FUNCTION stock_movement_refuse_change();
CREATE TRIGGER stock_movement_refuse_truncate BEFORE TRUNCATE ON stock_movement
  EXECUTE FUNCTION stock_movement_refuse_change();

CREATE VIEW stock_level WITH (security_invoker = true) AS
SELECT item_id, location_id, sum(quantity)::numeric(20,3) AS quantity, max(moved_at) AS last_moved_at
FROM (
  SELECT item_id, to_location_id AS location_id, quantity, moved_at FROM stock_movement WHERE to_location_id IS NOT NULL
  UNION ALL
  SELECT item_id, from_location_id, -quantity, moved_at FROM stock_movement WHERE from_location_id IS NOT NULL
) AS ends
GROUP BY item_id, location_id;

COMMENT ON TABLE item IS 'Goods that can be in stock.';
COMMENT ON COLUMN item.id IS 'Identity of the item.';
COMMENT ON COLUMN item.sku IS 'Stock keeping unit: the number on labels, unique per tenant.';
COMMENT ON COLUMN item.name IS 'Name of the item.';
COMMENT ON COLUMN item.unit IS 'Unit of all quantities of the item: piece, kg, litre, ...';
COMMENT ON COLUMN item.reorder_level IS 'Quantity over all locations below which the item is ordered again; null: never.';
COMMENT ON COLUMN item.archived_at IS 'Time when the item was taken out of use; null: in use.';
COMMENT ON COLUMN item.created_at IS 'Time when the item was entered.';

COMMENT ON TABLE location IS 'Places that can hold stock.';
COMMENT ON COLUMN location.id IS 'Identity of the location.';
COMMENT ON COLUMN location.code IS 'Code on labels, unique per tenant.';
COMMENT ON COLUMN location.name IS 'Name of the location.';
COMMENT ON COLUMN location.kind IS 'Kind of location: warehouse, shelf, vehicle or site (a lodge, a camp, an office).';
COMMENT ON COLUMN location.parent_id IS 'Location that contains this one, such as the warehouse of a shelf; null: none.';
COMMENT ON COLUMN location.archived_at IS 'Time when the location was taken out of use; null: in use.';
COMMENT ON COLUMN location.created_at IS 'Time when the location was entered.';

COMMENT ON TABLE stock_movement IS 'Receipts, issues, transfers and adjustments of stock, append-only. The opposite movement corrects a mistake.';
COMMENT ON COLUMN stock_movement.id IS 'Identity of the movement; a service that may retry chooses it itself.';
COMMENT ON COLUMN stock_movement.item_id IS 'Item that moved.';
COMMENT ON COLUMN stock_movement.kind IS 'Kind of movement: receipt (in from outside), issue (out), transfer (between two locations) or adjustment (found or lost at a count).';
COMMENT ON COLUMN stock_movement.from_location_id IS 'Location that the stock left; null: it came from outside or was found.';
COMMENT ON COLUMN stock_movement.to_location_id IS 'Location at which the stock arrived; null: it went outside or was lost.';
COMMENT ON COLUMN stock_movement.quantity IS 'Quantity in item.unit, more than 0.';
COMMENT ON COLUMN stock_movement.unit_cost IS 'Cost of one unit when it was received; null: unknown.';
COMMENT ON COLUMN stock_movement.currency IS 'ISO 4217 code of unit_cost.';
COMMENT ON COLUMN stock_movement.reference IS 'Document behind the movement, such as a delivery note or a booking number.';
COMMENT ON COLUMN stock_movement.moved_at IS 'Time of the movement.';
COMMENT ON COLUMN stock_movement.recorded_at IS 'Time when the movement was entered.';

COMMENT ON FUNCTION stock_movement_refuse_change IS 'Trigger function: refuses every change of recorded movements.';
COMMENT ON TRIGGER stock_movement_refuse_change ON stock_movement IS 'Keeps stock_movement append-only.';
COMMENT ON TRIGGER stock_movement_refuse_truncate ON stock_movement IS 'Keeps TRUNCATE from emptying the history.';

COMMENT ON VIEW stock_level IS 'Present stock per item and location, summed from stock_movement. A negative quantity shows that a movement is missing.';
COMMENT ON COLUMN stock_level.item_id IS 'Item, item.id.';
COMMENT ON COLUMN stock_level.location_id IS 'Location, location.id. Stock of the locations that it contains is counted there, not here.';
COMMENT ON COLUMN stock_level.quantity IS 'Quantity in item.unit; 0 when everything has left again.';
COMMENT ON COLUMN stock_level.last_moved_at IS 'Time of the last movement.';
