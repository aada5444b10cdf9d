import type { Position } from '../../../events/envelope';
import type { ClientPosition } from './client';

const form = /^(0|[1-9][0-9]{0,19})(?:\/(0|[1-9][0-9]{0,19}))?$/;

const isPosition = (text: string): text is Position => form.test(text);

/** Where an event lies in the log, as text: `commit`, or `commit/prepare` where the two differ. */
export const toPosition = ({ commit, prepare }: ClientPosition): Position => {
  const text = commit === prepare ? String(commit) : `${commit}/${prepare}`;
  if (!isPosition(text)) throw new RangeError(`The server gave a place that is none: ${text}`);
  return text;
};

export const fromPosition = (position: Position): ClientPosition => {
  const match = form.exec(position);
  if (match === null) throw new RangeError(`Not a position of this log: ${position}`);
  const commit = BigInt(match[1] ?? '');
  return { commit, prepare: match[2] === undefined ? commit : BigInt(match[2]) };
};

export const compare = (a: ClientPosition, b: ClientPosition): -1 | 0 | 1 => {
  if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
  return a.prepare < b.prepare ? -1 : a.prepare > b.prepare ? 1 : 0;
};
