import * as E from 'fp-ts/Either';
import { digestOf, type Json } from '../../events/digest';
import { runResumed } from '../../events/runResumed';
import { runStarted } from '../../events/runStarted';
import { recordedConfig } from './config';
import type { OpenStream } from '../ledger/openStream';
import type { AppendError } from '../ports/eventLog';
import type { RunInput, RunPorts } from './runContext';

/**
 * A run is its resolved config and its policies: the same ones on the same ledger are the same run, which then goes on.
 * Left out: where the base's weights come from (its training has an identity of its own), and how many iterations there
 * are, so that a finished run can be made longer. A policy is what it says and what it is called, whichever way the config names it.
 */
export const runIdOf = ({ config, policy, basePolicy }: RunInput): string => {
  const { iterations: _, base, ...rest } = recordedConfig(config);
  return digestOf({
    config: { ...rest, policy: policy.name, base: { ...base, policy: basePolicy.name } },
    policy,
    basePolicy,
  }).slice(0, 16);
};

/** Notes the start of a run, or that it goes on under other code or on another machine class; else writes nothing. */
export const begin = async (
  stream: OpenStream,
  runId: string,
  { config }: RunInput,
  ports: RunPorts,
): Promise<E.Either<AppendError, void>> => {
  const { environment, codeVersion } = ports;
  if (stream.events.length === 0) {
    const resolved: Json = recordedConfig(config);
    return stream.append([runStarted.create({ runId, config: resolved, seed: config.seed, codeVersion, environment })]);
  }
  const now = digestOf({ codeVersion, environment });
  const before = stream.events.some(
    (event) =>
      (event.type === 'RunStarted' || event.type === 'RunResumed') &&
      digestOf({ codeVersion: event.data.codeVersion, environment: event.data.environment }) === now,
  );
  return before ? E.right(undefined) : stream.append([runResumed.create({ runId, codeVersion, environment })]);
};
