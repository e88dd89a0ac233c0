import type { Tree } from './parsed-file.js';

/** One command of an ALTER TABLE, such as ADD COLUMN. */
export interface TableCommand {
  /** The kind in PostgreSQL's grammar, such as AT_AddColumn. */
  subtype: string;
  /** The column or constraint that it names; '' when it names none. */
  name: string;
  /** The column that it adds or defines; {} without one. */
  column: Tree;
  /** The constraint that it adds; {} without one. */
  constraint: Tree;
  /** The partition that it attaches or detaches; {} without one. */
  partition: Tree;
  isConcurrent: boolean;
}

/** The commands of an ALTER TABLE; [] of other statements. */
export function tableCommandsOf({ cmds }: Tree): TableCommand[] {
  return ((cmds ?? []) as { AlterTableCmd?: Tree }[]).map(({ AlterTableCmd: command = {} }) => {
    const {
      ColumnDef: column = {},
      Constraint: constraint = {},
      PartitionCmd: partition = {},
    } = (command.def ?? {}) as { ColumnDef?: Tree; Constraint?: Tree; PartitionCmd?: Tree };
    const { subtype, name } = command;
    const isConcurrent = partition.concurrent === true;
    return {
      subtype: String(subtype),
      name: String(name ?? ''),
      column,
      constraint,
      partition,
      isConcurrent,
    };
  });
}
