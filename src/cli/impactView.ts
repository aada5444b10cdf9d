import type { Impact } from '../../projections/impact';
import { impactOf } from '../../projections/impact';
import { startOf } from '../../projections/impactStart';
import type { EventLog } from '../ports/eventLog';
import { eventsOf } from './find';
import type { Target, View } from './lineageView';
import type { Found } from '../../projections/why';

/** What something reached, from a ledger's lineage, its datasets' rows and the problems that its evaluations asked. */
export const reachedBy = async (target: Found | Target, { lineage, rows }: View, log: EventLog): Promise<Impact> => {
  const start = startOf(target, lineage, rows);
  const evaluated = new Map<string, ReadonlySet<string>>();
  if (start.problems.length > 0)
    for (const { id, data } of await eventsOf(log, 'EvaluationRecorded'))
      evaluated.set(id, new Set(data.items.map(({ problemId }) => problemId)));
  return impactOf(start, lineage, rows, evaluated);
};

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Lines for people, by depth. */
export const impactLines = (impact: Impact): readonly string[] => {
  const { datasets, trainings, checkpoints, evaluations, events, generations } = impact;
  const lines = [
    `${counted(events, 'event')} with texts of it or made from it, ${generations} of them calls of checkpoints`,
  ];
  const depths = [...datasets, ...trainings, ...checkpoints, ...evaluations].map(({ depth }) => depth);
  if (depths.length === 0) lines.push('It is in no dataset, training, checkpoint or evaluation.');
  for (let depth = 0; depth <= Math.max(-1, ...depths); depth++) {
    const at = <V extends { readonly depth: number }>(list: readonly V[]): readonly V[] =>
      list.filter((each) => each.depth === depth);
    lines.push(depth === 0 ? 'directly' : `behind ${counted(depth, 'training')}`);
    for (const { dataset, rows, of, policies } of at(datasets))
      lines.push(`  dataset    ${dataset} policy ${policies.join(', ')}: ${rows} of ${counted(of, 'row')}`);
    for (const { trainingId, steps, firstStep, base } of at(trainings)) {
      const parts = [
        ...(base ? ['from a checkpoint that had learnt from it'] : []),
        ...(firstStep === null ? [] : [`${counted(steps, 'step')}, the first is ${firstStep}`]),
      ];
      lines.push(`  training   ${trainingId} ${parts.join('; ')}`);
    }
    for (const { checkpoint, kind, step } of at(checkpoints))
      lines.push(`  checkpoint ${checkpoint} ${kind}, step ${step}`);
    for (const { eventId, checkpoint, problemSet, by } of at(evaluations))
      lines.push(
        `  evaluation ${eventId} of ${checkpoint.slice(0, 12)} on ${problemSet}${by === 'problem' ? ', which asked it' : ''}`,
      );
  }
  return lines;
};
