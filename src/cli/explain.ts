import type { Fault } from './faults';
import type { Explained, OfTag, Table, Tag, Where } from './explain/explained';
import { endpointTable } from './explain/endpoint';
import { inputTable } from './explain/input';
import { modelTable } from './explain/model';
import { proofTable } from './explain/proof';
import { rulesTable } from './explain/rules';
import { runTable } from './explain/run';
import { storeTable } from './explain/store';

export type { Explained, Where } from './explain/explained';

const table: Table<Tag> = {
  ...storeTable,
  ...modelTable,
  ...endpointTable,
  ...runTable,
  ...inputTable,
  ...proofTable,
  ...rulesTable,
};

const render = <T extends Tag>(tag: T, fault: OfTag<T>, where: Where): Explained => table[tag](fault, where);

/** One message for a fault: what, where, expected and got, what to do next. Never a whole payload, never a secret. */
export const explain = (fault: Fault, where: Where): Explained => render(fault.tag, fault, where);
