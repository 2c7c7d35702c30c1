-- Gives a table another name, and with it its partitions, indexes, owned sequences and statistics, so that none of them is in
-- the way of a table that comes under the old one. Settings: restore.schema, restore.table, restore.new_schema, restore.new_name.
DO $rename$
DECLARE
  old_name text := current_setting('restore.table');
  new_name text := current_setting('restore.new_name');
  new_schema text := current_setting('restore.new_schema');
  main regclass := format('%I.%I', current_setting('restore.schema'), old_name)::regclass;
  thing record;
BEGIN
  IF new_schema <> current_setting('restore.schema') THEN
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', new_schema);
  END IF;
  FOR thing IN
    WITH tables AS (SELECT relid::oid AS oid FROM pg_partition_tree(main) UNION SELECT main::oid),
    relations AS (
      SELECT oid, true AS is_table FROM tables
      UNION ALL SELECT indexrelid, false FROM pg_index JOIN tables ON indrelid = tables.oid
      UNION ALL SELECT d.objid, false FROM pg_depend d JOIN tables ON d.refobjid = tables.oid JOIN pg_class s ON s.oid = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND s.relkind = 'S'
    ),
    named AS (
      SELECT 'TABLE' AS kind, nspname, relname AS name, is_table FROM relations JOIN pg_class USING (oid)
        JOIN pg_namespace n ON n.oid = relnamespace
      UNION ALL SELECT 'STATISTICS', nspname, stxname, false FROM pg_statistic_ext JOIN tables ON stxrelid = tables.oid
        JOIN pg_namespace n ON n.oid = stxnamespace
    )
    SELECT *, left(CASE WHEN starts_with(name, old_name) THEN new_name || substr(name, length(old_name) + 1)
                        ELSE new_name || '_' || name END, 63) AS renamed
    FROM named ORDER BY is_table
  LOOP
    IF thing.renamed <> thing.name THEN
      EXECUTE format('ALTER %s %I.%I RENAME TO %I', thing.kind, thing.nspname, thing.name, thing.renamed);
    END IF;
    IF thing.is_table AND new_schema <> thing.nspname THEN
      EXECUTE format('ALTER TABLE %I.%I SET SCHEMA %I', thing.nspname, thing.renamed, new_schema);
    END IF;
  END LOOP;
END
$rename$;
