import { positionOf, type RecordedEvent } from '../../../events/envelope';
import { definitions } from '../../../events/index';
import { closest } from '../../../projections/policies/closest';
import type { EventLog, ReadAll } from '../../ports/eventLog';
import type { Args } from '../args';
import { readingLog } from '../at';
import { atFlag, ledgerFlag, type Command, type Context } from '../command';
import { withLedger } from '../compose';
import { stop, usage } from '../faults';
import { findRun } from '../find';
import { LogFilter, RunIds, type Wanted } from '../logFilter';
import { timeOf } from '../time';

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

const linking = ['IterationStarted', 'IterationCompleted', 'IterationScored'];

/** The run's ids, from what the ledger says now; a collection that starts while following is noticed as it comes. */
const runIds = async (log: EventLog, name: string): Promise<RunIds> => {
  const ids = new RunIds(await findRun(log, name));
  for await (const event of log.readAll({ filter: { types: linking } })) ids.learn(event);
  for (const type of ['CheckpointWritten', 'TrainingStarted'])
    for await (const event of log.readAll({ filter: { types: [type] } })) ids.learnTraining(event);
  return ids;
};

const wantedOf = async (log: EventLog, args: Args): Promise<Wanted> => {
  const types = args.list('type');
  types.forEach(checkType);
  const time = (name: 'since' | 'until') => {
    const text = args.text(name);
    return text === undefined ? {} : { [name]: timeOf(`--${name}`, text) };
  };
  const same = (name: 'correlation' | 'problem' | 'trajectory' | 'author') => {
    const text = args.text(name);
    return text === undefined ? {} : { [name]: text };
  };
  const [run, text] = [args.text('run'), args.text('grep')];
  return {
    types,
    streams: args.list('stream'),
    ...(run === undefined ? {} : { run: await runIds(log, run) }),
    ...same('correlation'),
    ...same('problem'),
    ...same('trajectory'),
    ...same('author'),
    ...time('since'),
    ...time('until'),
    ...(text === undefined ? {} : { text }),
  };
};

/** What the store can look for itself: one dimension; the rest is looked for here, from events that may be of other types. */
const storeFilter = (wanted: Wanted, isFollowing: boolean): Pick<ReadAll, 'filter'> => {
  const { types, streams, trajectory, run, problem } = wanted;
  if (isFollowing && (run !== undefined || problem !== undefined)) return {};
  if (types.length > 0) return { filter: { types } };
  if (streams.length > 0) return { filter: { streamPrefix: streams } };
  return trajectory === undefined ? {} : { filter: { streamPrefix: [`trajectory-${trajectory}`] } };
};

/** Where reading begins: behind a position, or, for `latest`, behind what is there. */
const afterOf = async (log: EventLog, args: Args): Promise<Pick<ReadAll, 'after'>> => {
  if (args.text('after') === 'latest') {
    const { position } = await log.head();
    return position === undefined ? {} : { after: position };
  }
  const after = args.whole('after');
  return after === undefined ? {} : { after: positionOf(after) };
};

/** Which flags do not go together, in words. */
const checkFlags = (args: Args): void => {
  const given = (name: string): boolean => args.has(name) || args.text(name) !== undefined;
  const pairs: readonly (readonly [string, string])[] = [
    ['backwards', 'at'],
    ['backwards', 'after'],
    ['follow', 'backwards'],
    ['follow', 'at'],
    ['follow', 'until'],
  ];
  for (const [a, b] of pairs) if (given(a) && given(b)) usage(`--${a} and --${b} do not go together`);
};

/** Prints what is asked for until there is enough of it. */
class Printer {
  private printed = 0;
  constructor(
    private readonly filter: LogFilter,
    private readonly most: number,
    private readonly context: Context,
  ) {}

  /** False: no more is wanted. Waits while whoever reads the output is slow, and so does the store. */
  async take(event: RecordedEvent): Promise<boolean> {
    if (this.printed >= this.most) return false;
    if (!this.filter.takes(event)) return true;
    await this.context.out.line(this.context.json ? JSON.stringify(event) : lineOf(event));
    this.printed += 1;
    return this.printed < this.most;
  }

  stopped(): never {
    return stop({ tag: 'Stopped', what: `${this.printed} ${this.printed === 1 ? 'event was' : 'events were'} listed` });
  }
}

const follow = async (log: EventLog, read: ReadAll, printer: Printer, { signal, note }: Context): Promise<void> => {
  const { after, filter } = read;
  const options = { ...(after === undefined ? {} : { after }), ...(filter === undefined ? {} : { filter }) };
  for await (const item of log.follow({ signal, ...options })) {
    if ('tag' in item) note(`That is all up to position ${item.position ?? 0}; waiting for more. Ctrl-C ends.`);
    else if (!(await printer.take(item))) return;
  }
  printer.stopped();
};

export const log: Command = {
  name: 'log',
  summary: 'List the events of the ledger',
  json: 'lines',
  details: [
    'Filters go together: all of them must hold. An id is given whole, or by its first 6 or more characters. --run also finds the',
    'collections, trainings and evaluations that the run made; --problem all events of its trajectories; --grep plain text, case',
    'and all, in any text, number or field name of the data. A time covers what it names: --until 2026-11-24 is until the end of that day.',
    '--follow goes on with what is appended, also by other processes, until --limit events are listed or Ctrl-C ends it (exit code 130).',
    'JSON Lines, one event a line: {position, stream, revision, id, type, version, data, meta, leaf, recordedAt, observed}.',
  ].join('\n'),
  arguments: [],
  flags: [
    ledgerFlag,
    { flags: '--stream <prefix>', description: 'only streams that begin with this; may be repeated', repeat: true },
    { flags: '--type <type>', description: 'only events of this type; may be repeated', repeat: true },
    { flags: '--run <run>', description: 'only what is of this run: its id, a prefix, or latest' },
    { flags: '--correlation <id>', description: 'only what was written under this run or collection' },
    { flags: '--problem <id>', description: 'only what is about this problem' },
    { flags: '--trajectory <id>', description: 'only what is of this trajectory' },
    { flags: '--author <name>', description: 'only by student, teacher or script; of notes, by this person' },
    { flags: '--since <time>', description: 'only what was recorded at this ISO time or later' },
    { flags: '--until <time>', description: 'only what was recorded at this ISO time or earlier' },
    { flags: '--grep <text>', description: 'only what has this text in its data' },
    { flags: '--after <position>', description: 'only what comes behind this position; latest: only what is new' },
    { flags: '--limit <n>', description: 'at most so many events' },
    { flags: '--backwards', description: 'the newest first' },
    { flags: '-f, --follow', description: 'wait for more at the end' },
    atFlag,
    { flags: '--json', description: 'print JSON Lines on stdout' },
  ],
  examples: [
    'tripost log --limit 20',
    'tripost log --type EvaluationRecorded --json | jq .data.scores',
    'tripost log --run latest --author teacher --since 2026-11-24T12:00Z',
    'tripost log --stream training- --after 1200 --grep resume',
    'tripost log --follow --after latest',
    'tripost log --backwards --limit 5',
  ],
  run: async (args, context) => {
    checkFlags(args);
    const most = args.whole('limit') ?? Number.POSITIVE_INFINITY;
    await withLedger(args, context, 'read', async (ledger) => {
      const events = await readingLog(ledger.log, args, context);
      const wanted = await wantedOf(events, args);
      const filter = new LogFilter(wanted);
      const first = { filter: { types: ['GenerationProduced', 'CallFailed', 'TrajectoryClosed'] } };
      if (wanted.problem !== undefined) for await (const event of events.readAll(first)) filter.learn(event);
      const printer = new Printer(filter, most, context);
      const read = { ...storeFilter(wanted, args.has('follow')), ...(await afterOf(events, args)) };
      if (most === 0) return;
      if (args.has('follow')) {
        await follow(events, read, printer, context);
        return;
      }
      const direction = args.has('backwards') ? 'backwards' : 'forwards';
      for await (const event of events.readAll({ ...read, direction })) {
        if (context.signal.aborted) printer.stopped();
        if (!(await printer.take(event))) return;
      }
    });
    return 'ok';
  },
};
