import { digestOf } from '../../../events/digest';
import { CallBook } from '../../collect/callBook';
import {
  differencesOf,
  distanceOf,
  flatParts,
  readParts,
  type Difference,
  type FlatParts,
} from '../../collect/callIdentity';
import { jsonFlag, ledgerFlag, type Command } from '../command';
import { withLedger, type Ledger } from '../compose';
import { must, usage } from '../faults';
import { eventsOf, type EventOf } from '../find';
import { findEvent } from '../findEvent';
import { readText } from '../inputFile';
import { decodeEvent } from '../../../events/index';

type Generation = EventOf<'GenerationProduced'>;

const short = (text: string, most = 100): string => {
  const line = text.replaceAll('\n', '\\n');
  return line.length > most ? `${line.slice(0, most - 3)}...` : line;
};

/** The part of a text around the first character in which it differs from another. */
const around = (text: string | null, other: string | null): string => {
  if (text === null) return '(nothing)';
  let at = 0;
  while (at < text.length && text[at] === other?.[at]) at += 1;
  const from = Math.max(0, at - 20);
  return `${from > 0 ? '...' : ''}${short(text.slice(from, from + 70), 70)}`;
};

const differenceLines = (differences: readonly Difference[]): readonly string[] =>
  differences.flatMap(({ part, here, there }) => [
    `  ${part}`,
    `    asked     ${around(here, there)}`,
    `    recorded  ${around(there, here)}`,
  ]);

/** The parts of a recorded call: from its blob, or, where it has no identity, from the event. */
const partsOf = async ({ data }: Generation, { blobs }: Ledger): Promise<FlatParts> => {
  if (data.callKey !== null) {
    const parts = readParts(must(await blobs.get(data.callKey)()));
    if (parts !== undefined) return parts;
  }
  const { model, prompt, sampling, seedKey } = data;
  return flatParts({ model, prompt, sampling, stop: [], sample: seedKey });
};

/** Which other events have the same call: the one that made it, and those that used its answer again. */
const sharing = (all: readonly Generation[], { id, data }: Generation) => {
  const same =
    data.callKey === null ? [] : all.filter((other) => other.data.callKey === data.callKey && other.id !== id);
  return {
    madeBy: data.reusedFrom ?? id,
    reusedBy: same.filter((other) => other.data.reusedFrom === (data.reusedFrom ?? id)).map((other) => other.id),
  };
};

const ofGeneration = async (one: Generation, ledger: Ledger, all: readonly Generation[]) => {
  const parts = await partsOf(one, ledger);
  const { data } = one;
  const { purpose, callKey, repeated, call, trajectoryId, collectionId } = data;
  return {
    generation: one.id,
    callKey,
    recorded: true as const,
    parts: Object.fromEntries(parts),
    of: { trajectoryId, collectionId, call, author: data.author, purpose },
    ...sharing(all, one),
    repeated,
  };
};

/** The recorded call whose last message differs least from a text. */
const nearestTo = (
  prompt: string,
  all: readonly Generation[],
): { readonly generation: Generation; readonly differences: readonly Difference[] } | undefined => {
  let best: { generation: Generation; differences: readonly Difference[]; distance: number } | undefined;
  for (const generation of all) {
    const there = new Map([['prompt', generation.data.prompt]]);
    const differences = differencesOf(new Map([['prompt', prompt]]), there);
    const distance = distanceOf(differences);
    if (best === undefined || distance < best.distance) best = { generation, differences, distance };
    if (distance === 0) break;
  }
  return best;
};

export const whyCall: Command = {
  name: 'why-call',
  summary: "The identity of a served model's call, part by part; for one that is not recorded the nearest that is",
  json: 'object',
  details: [
    'A call is its model, its prompt or conversation, its sampling and its sample; a call with the same identity is never made',
    'again, in whatever collection it is asked. With --prompt or --request a call is looked for: its last message, or a file of',
    "parts as JSON (a call's own blob is one). Where it is not recorded, the nearest recorded call and what differs are shown.",
    'JSON: {generation, callKey, recorded, parts, of, madeBy, reusedBy, repeated}; for a miss {recorded: false, callKey,',
    'nearest: {generation, callKey, differences: [{part, here, there}]}}. A miss ends with the exit code of refused checks.',
  ].join('\n'),
  arguments: [{ name: '[generation]', description: 'its id, or the first 6 or more characters' }],
  flags: [
    ledgerFlag,
    { flags: '--prompt <text>', description: 'look for a call with this last message; @file reads it from a file' },
    {
      flags: '--request <file>',
      description: 'look for a call with these parts: {model, prompt, sampling, stop, sample}',
    },
    jsonFlag,
  ],
  examples: [
    'tripost why-call 5b1f0a3c',
    'tripost why-call --prompt @question.txt',
    'tripost why-call --request call.json --json',
  ],
  run: (args, context) =>
    withLedger(args, context, 'read', async (ledger) => {
      const { log, blobs } = ledger;
      const given = args.maybeAt(0);
      const prompt = args.text('prompt');
      const request = args.text('request');
      if ([given, prompt, request].filter((each) => each !== undefined).length !== 1)
        return usage('name one generation, or give --prompt, or --request');
      const all = await eventsOf(log, 'GenerationProduced');
      const show = async (found: Awaited<ReturnType<typeof ofGeneration>>): Promise<'ok'> => {
        if (context.json) await context.out.json(found);
        else {
          const { callKey, parts, madeBy, reusedBy, repeated, of } = found;
          const lines = [
            `generation ${found.generation}, call ${of.call} of trajectory ${of.trajectoryId} (${of.purpose?.kind ?? 'attempt'}, ${of.author})`,
            callKey === null
              ? 'identity   none: a model of our own makes its texts again by their seed'
              : `identity   ${callKey}`,
            ...Object.entries(parts).map(([part, value]) => `  ${part.padEnd(22)} ${short(value)}`),
            madeBy === found.generation
              ? `made by    this generation${repeated ? '; it may have been served once more, by a process that was killed' : ''}`
              : `made by    generation ${madeBy}; nothing was asked for this one`,
            `used again ${reusedBy.length === 0 ? 'by none' : reusedBy.join(', ')}`,
          ];
          await context.out.line(lines.join('\n'));
        }
        return 'ok';
      };
      if (given !== undefined) {
        const event = must(decodeEvent(await findEvent(log, given, context.signal)));
        if (event.type !== 'GenerationProduced')
          return usage(`${event.id} is a ${event.type}, not a GenerationProduced`);
        return show(await ofGeneration(event, ledger, all));
      }
      const miss = async (
        callKey: string | null,
        nearest: {
          readonly generation: string;
          readonly callKey: string | null;
          readonly differences: readonly Difference[];
        } | null,
      ): Promise<'refused'> => {
        const differences = (nearest?.differences ?? []).map(({ part, here, there }) => ({ part, here, there }));
        if (context.json)
          await context.out.json({
            recorded: false,
            callKey,
            nearest:
              nearest === null ? null : { generation: nearest.generation, callKey: nearest.callKey, differences },
          });
        else
          await context.out.line(
            [
              `not recorded${callKey === null ? '' : `: ${callKey}`}`,
              ...(nearest === null
                ? ['no call is recorded']
                : [
                    `the nearest is generation ${nearest.generation}; what differs:`,
                    ...differenceLines(nearest.differences),
                  ]),
            ].join('\n'),
          );
        return 'refused';
      };
      if (prompt !== undefined) {
        const text = prompt.startsWith('@') ? readText(prompt.slice(1)).trimEnd() : prompt;
        const near = nearestTo(text, all);
        if (near !== undefined && near.differences.length === 0)
          return show(await ofGeneration(near.generation, ledger, all));
        return miss(
          null,
          near === undefined
            ? null
            : { generation: near.generation.id, callKey: near.generation.data.callKey, differences: near.differences },
        );
      }
      const bytes = new TextEncoder().encode(readText(request ?? ''));
      const parts = readParts(bytes);
      if (parts === undefined) return usage('--request: expected JSON {model, prompt, sampling, stop, sample}');
      const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
      const book = must(await CallBook.read([{ log, blobs }]));
      const near = await book.nearest(parts);
      if (near !== undefined && near.differences.length === 0) {
        const one = all.find(({ id }) => id === near.generationId);
        if (one !== undefined) return show(await ofGeneration(one, ledger, all));
      }
      return miss(
        digestOf(json),
        near === undefined
          ? null
          : { generation: near.generationId, callKey: near.callKey, differences: near.differences },
      );
    }),
};
