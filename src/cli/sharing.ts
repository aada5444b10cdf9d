import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { SharePorts } from '../collect/share';
import type { Args } from './args';
import type { Flag } from './command';
import { usage } from './faults';

/** For a command that collects: whether it shares the work with other processes. */
export const shareFlags: readonly Flag[] = [
  { flags: '--share', description: 'share the work with other processes that collect the same with --share' },
  {
    flags: '--lease <seconds>',
    description: 'with --share: after so long without a sign of life a process counts as dead',
    fallback: '60',
  },
];

/** This process among others, or undefined where it does not share. */
export const sharePorts = (args: Args): SharePorts | undefined => {
  const leaseSeconds = args.whole('lease') ?? 60;
  if (leaseSeconds === 0) usage('--lease: expected seconds from 1, got "0"');
  if (!args.has('share')) return undefined;
  return {
    claimant: randomUUID(),
    now: () => ({ steady: performance.now(), wall: Date.now() }),
    pause: async (milliseconds, signal) => {
      await setTimeout(milliseconds, undefined, { signal }).catch(() => {});
    },
    leaseSeconds,
  };
};
