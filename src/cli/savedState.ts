import * as E from 'fp-ts/Either';
import type { Projection } from '../../projections/projection';
import type { EventLog } from '../ports/eventLog';
import { foldSaved } from '../run/foldSaved';
import type { Args } from './args';
import type { Context } from './command';
import type { Ledger } from './compose';
import { stop } from './faults';

/**
 * A projection's state over what a reading command reads: the saved state and the events since. A prefix that --at names is
 * folded from a saved state that lies in it, and leaves what is saved alone.
 */
export const stateOf = async <State, View>(
  projection: Projection<State, View>,
  { log, states }: { readonly log: EventLog; readonly states: Ledger['states'] },
  args: Args,
  context: Context,
): Promise<State> => {
  const saves = args.text('at') === undefined;
  const folded = await foldSaved(projection, log, states, { signal: context.signal, saves });
  if (E.isLeft(folded))
    return stop(folded.left.tag === 'Stopped' ? { tag: 'Stopped', what: 'not all events were read' } : folded.left);
  const { state, unused } = folded.right;
  if (unused !== null && saves)
    context.note(`The saved state of ${projection.name} is not used, everything is folded anew: ${unused}.`);
  return state;
};
