import type { Fault } from './faults';
import type { Explained, Table, Tag, Where } from './explain/explained';
import { inputTable } from './explain/input';
import { modelTable } from './explain/model';
import { runTable } from './explain/run';
import { storeTable } from './explain/store';

export type { Explained, Where } from './explain/explained';

const table: Table<Tag> = { ...storeTable, ...modelTable, ...runTable, ...inputTable };

/** One message for a fault: what, where, expected and got, what to do next. Never a whole payload, never a secret. */
export const explain = (fault: Fault, where: Where): Explained =>
  (table[fault.tag] as (fault: Fault, where: Where) => Explained)(fault, where);
