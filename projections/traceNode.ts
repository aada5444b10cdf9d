import type { Detail } from './lineage';
import type { Row } from './replayDataset';

/** One thing in an answer: what it is, its id, small facts, and what is behind it. A CLI prints it, --json emits it. */
export interface TraceNode {
  readonly label: string;
  readonly id: string | null;
  readonly detail: Detail;
  readonly children: readonly TraceNode[];
}

/** Rows of the datasets that are at hand, by dataset digest. A dataset that is not there gives no rows, only its name. */
export type DatasetRows = ReadonlyMap<string, readonly Row[]>;

export const node = (
  label: string,
  id: string | null,
  detail: Detail = {},
  children: readonly TraceNode[] = [],
): TraceNode => ({ label, id, detail, children });

/** The tree as indented lines: `label id  key=value …`. */
export const renderTrace = (root: TraceNode, indent = ''): string => {
  const facts = Object.entries(root.detail).filter(([, value]) => value !== null);
  const text = facts.map(([key, value]) => `${key}=${String(value)}`).join(' ');
  const line = [indent + root.label, root.id ?? '', text].filter((part) => part !== '').join(' ');
  return [line, ...root.children.map((child) => renderTrace(child, `${indent}  `))].join('\n');
};
