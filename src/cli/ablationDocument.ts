import { decodeEvent } from '../../events/index';
import { experiments } from '../../projections/ablation/experiments';
import { reportDocument, type ReportDocument } from '../../projections/ablation/reportDocument';
import { createMerkleTree } from '../ledger/merkle';
import type { EventLog } from '../ports/eventLog';
import { must, stop } from './faults';
import { byPrefix } from './find';

/** The report of an ablation (its id, the beginning of it, or latest) on a log, in one pass with the root over that log. */
export const ablationDocument = async (log: EventLog, name: string, signal: AbortSignal): Promise<ReportDocument> => {
  const state = experiments.initial();
  const tree = createMerkleTree();
  let position: string | null = null;
  for await (const recorded of log.readAll()) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: `${tree.size()} events read` });
    experiments.apply(state, must(decodeEvent(recorded)));
    tree.append(recorded.leaf);
    ({ position } = recorded);
  }
  const known = experiments.view(state);
  const id = byPrefix('ablation', name, [...known.ablations.keys()]);
  return reportDocument(known, id, { position, size: tree.size(), root: tree.root() });
};
