/** What the server is about to do when a fault may strike. */
export type Operation = 'append' | 'read' | 'subscribe' | 'deliver' | 'push';

/**
 * cut: the connection ends before anything is done; cutAfter: it ends when all is done but the answer;
 * silent / silentAfter: the same two, and no answer ever comes; late: done at once, answered after `ms`;
 * wrongVersion: refused as if the stream were elsewhere, nothing written; unavailable: the status of that name;
 * timeout: the server's own "took too long", after all was done; notLeader: sent on to another node;
 * end: a subscription ends as if it were complete. On `deliver` (an event of a reading) and `push` (an event of a
 * subscription) they strike just before that event.
 */
export type Fault =
  | { readonly kind: 'cut' | 'cutAfter' | 'silent' | 'silentAfter' }
  | { readonly kind: 'wrongVersion' | 'unavailable' | 'timeout' | 'end' }
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'notLeader'; readonly port: number };

export interface Faults {
  /** The next operation of this kind meets the fault; several calls queue up. */
  next(operation: Operation, fault: Fault): void;
  /** Asked at every operation with a running number per kind, as long as nothing is queued. */
  by(choose: (operation: Operation, count: number) => Fault | undefined): void;
  none(): void;
  /** Called by the server. */
  strike(operation: Operation): Fault | undefined;
  /** How many operations of a kind there were. */
  count(operation: Operation): number;
}

export const createFaults = (): Faults => {
  const queued = new Map<Operation, Fault[]>();
  const counts = new Map<Operation, number>();
  let choose: (operation: Operation, count: number) => Fault | undefined = () => undefined;
  return {
    next: (operation, fault) => {
      queued.set(operation, [...(queued.get(operation) ?? []), fault]);
    },
    by: (next) => {
      choose = next;
    },
    none: () => {
      queued.clear();
      choose = () => undefined;
    },
    strike: (operation) => {
      const count = counts.get(operation) ?? 0;
      counts.set(operation, count + 1);
      return queued.get(operation)?.shift() ?? choose(operation, count);
    },
    count: (operation) => counts.get(operation) ?? 0,
  };
};
