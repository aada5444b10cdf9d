import type { Json } from '../../../events/digest';
import { giveLabel } from '../../run/notes';
import { jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger } from '../compose';
import type { ExitName } from '../exitCodes';
import { must, usage } from '../faults';
import { findEvent } from '../findEvent';

const number = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

/** `true`, `false` and numbers are what they look like; anything else is text, and so is what stands in double quotes. */
export const valueOf = (text: string): Json => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (number.test(text) && Number.isFinite(Number(text))) return Number(text);
  if (!/^".*"$/s.test(text)) return text;
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return text;
  }
};

export const label: Command = {
  name: 'label',
  summary: 'Put a label on an event, for people and for policies (admit.withoutLabels)',
  json: 'object',
  details: [
    'A label is an event of its own; the newest value of one author counts, and `tripost trace` shows all. A policy leaves a trajectory',
    'out when an event of it has a label of admit.withoutLabels with the value true. The value that a label has already writes nothing.',
    'JSON: {id, event: {id, type}, label, value, by, supersedes, written}.',
  ].join('\n'),
  arguments: [
    { name: '<event>', description: 'its id, or the first 6 or more characters' },
    { name: '<label>', description: 'for example wrong-feedback' },
  ],
  flags: [
    ledgerFlag,
    { flags: '--value <value>', description: 'true, false, a number or text', fallback: 'true' },
    { flags: '--by <name>', description: 'who says so' },
    jsonFlag,
  ],
  examples: [
    'tripost label 5b1f0a3c wrong-feedback --by maria',
    'tripost label 5b1f0a3c wrong-feedback --value false --by maria',
    'tripost label 5b1f0a3c difficulty --value 4 --by ben --json',
  ],
  run: (args, context) => {
    const by = args.need('by');
    const name = args.at(1);
    if (name.trim() === '' || by.trim() === '') usage('a label and its author have a name');
    return withLedger<ExitName>(args, context, 'append', async ({ log }) => {
      const { id: eventId, type } = await findEvent(log, args.at(0), context.signal);
      const value = valueOf(args.need('value'));
      const { id, data, written } = must(await giveLabel(log, { eventId, label: name, value, by }));
      if (context.json) {
        const { supersedes } = data;
        await context.out.json({ id, event: { id: eventId, type }, label: name, value, by, supersedes, written });
      } else {
        const shown = `${name}=${JSON.stringify(value)} by ${by}`;
        await context.out.line(`${type} ${eventId}: ${shown}${written ? '' : ' (it had this label already)'}`);
      }
      return 'ok';
    });
  },
};
