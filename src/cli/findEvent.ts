import type { RecordedEvent } from '../../events/envelope';
import { shortestPrefix } from '../../projections/why';
import type { EventLog } from '../ports/eventLog';
import { stop } from './faults';

/** How many characters two texts have in common from the beginning. */
const shared = (a: string, b: string): number => {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n += 1;
  return n;
};

/** Keeps the few ids that begin most like what was asked for. */
export class NearIds {
  private readonly best: { readonly id: string; readonly common: number }[] = [];
  constructor(
    private readonly wanted: string,
    private readonly most = 3,
  ) {}

  see(id: string): void {
    const common = shared(this.wanted, id);
    if (common < 3 || (this.best.length === this.most && common <= (this.best.at(-1)?.common ?? 0))) return;
    this.best.push({ id, common });
    this.best.sort((a, b) => b.common - a.common);
    this.best.splice(this.most);
  }

  ids(): readonly string[] {
    return this.best.map(({ id }) => id);
  }
}

/** The one event that an id, or its first 6 or more characters, means. Where there is none, ids that begin like it. */
export const findEvent = async (log: EventLog, prefix: string, signal: AbortSignal): Promise<RecordedEvent> => {
  const exact = await log.readEvent(prefix);
  if (exact !== undefined) return exact;
  const near = new NearIds(prefix);
  const found: RecordedEvent[] = [];
  for await (const event of log.readAll()) {
    if (signal.aborted) return stop({ tag: 'Stopped', what: 'the event was looked for' });
    near.see(event.id);
    if (prefix.length >= shortestPrefix && event.id.startsWith(prefix) && found.length < 10) found.push(event);
  }
  const [first] = found;
  if (found.length > 1)
    return stop({
      tag: 'IdAmbiguous',
      what: 'event',
      id: prefix,
      found: found.map(({ id, type }) => `${type} ${id}`),
    });
  return first ?? stop({ tag: 'IdNotFound', what: 'event', id: prefix, known: near.ids() });
};
