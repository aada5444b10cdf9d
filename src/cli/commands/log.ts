import { positionOf, type RecordedEvent } from '../../../events/envelope';
import { definitions } from '../../../events/index';
import { closest } from '../../../projections/policies/closest';

import { atFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import { stop, usage } from '../faults';
import { readingLog } from '../at';

const short = (value: unknown): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
};

/** Small facts of an event, for one line; texts and payloads stay out. */
const facts = ({ data }: RecordedEvent): string => {
  if (typeof data !== 'object' || data === null) return '';
  const shown = Object.entries(data).filter(([, value]) => value !== null && typeof value !== 'object');
  return shown
    .slice(0, 6)
    .map(([key, value]) => `${key}=${short(value)}`)
    .join(' ');
};

const lineOf = (event: RecordedEvent): string =>
  `${event.position.padStart(6)}  ${event.recordedAt}  ${event.type.padEnd(19)} ${event.id}  ${event.stream}@${event.revision}  ${facts(event)}`;

const checkType = (type: string): void => {
  const known = Object.keys(definitions);
  if (known.includes(type)) return;
  const near = closest(type, known);
  stop({
    tag: 'UnknownName',
    message: `--type: there is no event type "${type}".${near === undefined ? '' : ` Did you mean "${near}"?`} The types are ${known.join(', ')}.`,
  });
};

export const log: Command = {
  name: 'log',
  summary: 'List the events of the ledger',
  json: 'lines',
  details:
    'JSON Lines, one event a line: {position, stream, revision, id, type, version, data, meta, leaf, recordedAt, observed}.',
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--stream <prefix>', description: 'only streams that begin with this; may be repeated', repeat: true },
    { flags: '--type <type>', description: 'only events of this type; may be repeated', repeat: true },
    { flags: '--after <position>', description: 'only what comes behind this position' },
    { flags: '--limit <n>', description: 'at most so many events' },
    { flags: '--backwards', description: 'the newest first' },
    atFlag,
    { flags: '--json', description: 'print JSON Lines on stdout' },
  ],
  examples: [
    'tripost log --limit 20',
    'tripost log --type EvaluationRecorded --json | jq .data.scores',
    'tripost log --stream training- --after 1200',
    'tripost log --backwards --limit 5',
  ],
  run: async (args, context) => {
    const types = args.list('type');
    const streams = args.list('stream');
    types.forEach(checkType);
    const after = args.whole('after');
    const limit = args.whole('limit') ?? Number.POSITIVE_INFINITY;
    const backwards = args.has('backwards');
    if (backwards && args.text('at') !== undefined) usage('--backwards and --at do not go together');
    if (backwards && after !== undefined) usage('--backwards and --after do not go together');
    await withLedger(args, context, 'read', async (ledger) => {
      const events = await readingLog(ledger.log, args, context);
      const filter = types.length > 0 ? { types } : streams.length > 0 ? { streamPrefix: streams } : undefined;
      const read = events.readAll({
        ...(filter === undefined ? {} : { filter }),
        ...(after === undefined ? {} : { after: positionOf(after) }),
        direction: backwards ? 'backwards' : 'forwards',
      });
      let left = limit;
      if (left <= 0) return;
      for await (const event of read) {
        if (context.signal.aborted) stop({ tag: 'Stopped', what: 'not all events were listed' });
        if (streams.length > 0 && !streams.some((prefix) => event.stream.startsWith(prefix))) continue;
        await context.out.line(context.json ? JSON.stringify(event) : lineOf(event));
        if (--left <= 0) return;
      }
    });
    return 'ok';
  },
};
