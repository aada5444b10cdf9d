import type { MemoryNeed } from '../../ports/memoryNeed';
import { inOrder } from '../inOrder';
import type { ExitName } from '../exitCodes';
import type { Fault } from '../faults';

/** A fault in words, and how the process ends. */
export interface Explained {
  readonly exit: ExitName;
  readonly message: string;
}

/** Where it happened: for the commands that a message names. */
export interface Where {
  readonly ledger: string | undefined;
  readonly command: string;
  /** The signal that asked to stop, if one did. */
  readonly signal: 'SIGINT' | 'SIGTERM' | undefined;
  /** Bytes of memory that the process may use: the machine's, or those of a container's limit. */
  readonly memory: number;
}

export type Tag = Fault['tag'];
type WithTag<F, T> = F extends { readonly tag: infer U } ? (T extends U ? F : never) : never;
/** The faults that may have this tag; some families share one shape among several tags. */
export type OfTag<T extends Tag> = WithTag<Fault, T>;
/** One message per tag: a fault without a message does not compile. */
export type Table<Tags extends Tag> = { readonly [T in Tags]: (fault: OfTag<T>, where: Where) => Explained };

export const because = (exit: ExitName, ...lines: readonly string[]): Explained => ({
  exit,
  message: lines.join('\n'),
});

export const ledgerOption = ({ ledger }: Where): string => (ledger === undefined ? '' : ` --ledger ${ledger}`);

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** What something needs of memory and what would need less, for the message of a fault that memory ran out. */
export const memoryLines = (
  { bytes, parts, alternatives }: MemoryNeed,
  { memory }: Where,
): readonly [string, string] => {
  const named = parts.filter((part) => part.bytes >= 5e7).map((part) => `${part.what} ${gigabytes(part.bytes)}`);
  const less = alternatives.map((each) => `${each.change} (about ${gigabytes(each.bytes)})`);
  return [
    `  it needs about ${gigabytes(bytes)} (${named.join(', ')}); there are ${gigabytes(memory)}`,
    less.length === 0
      ? 'No setting would need less: take a smaller model.'
      : `Less would be needed with: ${less.join('; ')}.`,
  ];
};

/** The first few of a list, and how many more there are. */
export const some = (items: readonly string[], most = 10): readonly string[] =>
  items.length <= most ? items : [...items.slice(0, most), `... and ${items.length - most} more`];

export const counts = (record: Readonly<Record<string, number>>): string =>
  inOrder(record)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');
